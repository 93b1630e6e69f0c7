"""DINO, out of the example distribution in `tests/extension_package`, importable without being installed."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).parent / "extension_package"
sys.path.insert(0, str(PACKAGE / "src"))

from gestalt_example.dino import DINO as DINO  # noqa: E402
from gestalt_example.dino import Projector as Projector  # noqa: E402
from gestalt_example.dino_objective import DinoObjective as DinoObjective  # noqa: E402
from gestalt_example.dino_objective import Prototypes as Prototypes  # noqa: E402

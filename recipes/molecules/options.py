"""The whole configuration of the recipe `molecules`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from gestalt.core.experiment import Learning, Running
from gestalt.core.training import Training

from .finding import FinderOptions


@final
@dataclass(frozen=True)
class Options:
    """Discover the parts of molecules, and learn to represent atoms and molecules, without labels.

    Trains on the drugs and the molecules of measured solubility that ship with the package, and evaluates on molecules
    that it never saw; or, with --data, trains on your own molecules. Writes a run folder with report.html.
    """

    finder: FinderOptions = field(default_factory=FinderOptions)
    """How parts are found among atoms."""
    running: Running = field(default_factory=lambda: Running(Path("runs/molecules")))
    """Where to read and write."""
    learning: Learning = field(
        default_factory=lambda: Learning(
            "odin", "gine", contrast=0.2, regression=1.0, hand_over=300, discovery_every=50
        )
    )
    """What learns."""
    training: Training = field(default_factory=lambda: Training(steps=400, batch=32, lr=1e-3, warmup=20))
    """How to train."""
    width: int = 128
    """Length of an atom's vector."""
    layers: int = 4
    """Layers of the network: how many bonds away it sees."""
    tuning: int = 200
    """Steps of fine-tuning on measured solubility, for the table; 0 leaves it out."""

    def __post_init__(self) -> None:
        if self.tuning < 0:
            raise ValueError(f"--tuning is a number of steps, at least 0, got {self.tuning}")

"""What a run keeps of an encoder."""

import json
from typing import Any

from gestalt.core.components.settings import settings_of
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import AbstractEncoder


def saved(modality: AbstractModality[Any], name: str, encoder: AbstractEncoder) -> dict[str, Any]:
    """The settings of an encoder as they come back from a finished run's `config.json`."""
    settings: dict[str, Any] = json.loads(json.dumps(settings_of(encoder, modality.encoders[name])))
    return settings

"""Encoders with the settings that follow from the data."""

from collections.abc import Mapping
from typing import Any

from ..data.items import AbstractItems
from ..networks.encoder import AbstractEncoder
from .base import AbstractModality
from .optional import InfersEncoderSettings, InfersFromSettings


def inferred_settings(
    modality: AbstractModality[Any], encoder: str, items: AbstractItems[Any], given: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Settings of an encoder that follow from the items, for modalities that know any; `given` are the user's own."""
    if isinstance(modality, InfersFromSettings):
        return modality.encoder_settings_beside(encoder, items, given or {})
    return modality.encoder_settings(encoder, items) if isinstance(modality, InfersEncoderSettings) else {}


def plain_encoder(modality: AbstractModality[Any], items: AbstractItems[Any]) -> AbstractEncoder:
    """The modality's plain features, with the settings that follow from the items."""
    return modality.encoders["raw"](**inferred_settings(modality, "raw", items))

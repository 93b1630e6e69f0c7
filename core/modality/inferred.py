"""Encoders with the settings that follow from the data."""

from collections.abc import Mapping
from typing import Any

from ..data.items import AbstractItems
from ..networks.encoder import AbstractEncoder
from .base import AbstractModality
from .optional import InfersEncoderSettings


def inferred_settings(modality: AbstractModality[Any], encoder: str, items: AbstractItems[Any]) -> Mapping[str, Any]:
    """Settings of an encoder that follow from the items, for modalities that know any."""
    return modality.encoder_settings(encoder, items) if isinstance(modality, InfersEncoderSettings) else {}


def plain_encoder(modality: AbstractModality[Any], items: AbstractItems[Any]) -> AbstractEncoder:
    """The modality's plain features, with the settings that follow from the items."""
    return modality.encoders["raw"](**inferred_settings(modality, "raw", items))

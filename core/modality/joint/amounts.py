"""How much an item of several parts is."""

from collections.abc import Mapping
from typing import Any

from ..base import AbstractModality
from ..optional import MeasuresItems
from .item import JointItem


def amounts_of_parts(modalities: Mapping[str, AbstractModality[Any]], item: JointItem) -> dict[str, float]:
    """The amounts of its parts; where two count in one unit (the seconds of a clip and its sound), the larger."""
    found = dict[str, float]()
    for name, part in item.parts.items():
        modality = modalities[name]
        own = modality.amounts(part) if isinstance(modality, MeasuresItems) else {}
        found |= {unit: max(value, found.get(unit, 0.0)) for unit, value in own.items()}
    return found

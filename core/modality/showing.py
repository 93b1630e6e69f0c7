"""One object of an item as HTML, whatever the modality."""

from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from ..data.places import Places
from .base import AbstractModality
from .shows_objects import ShowsObjects


def object_html(
    modality: AbstractModality[Any], item: Any, inside: Bool[Tensor, " elements"], places: Places | None
) -> str:
    """The object cut out of its item, where the modality does so; else the item with no other object than this."""
    if isinstance(modality, ShowsObjects):
        return modality.render_object(item, inside, places)
    return modality.render(item, torch.where(inside, 0, -1), places)

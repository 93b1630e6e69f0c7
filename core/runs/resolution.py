"""Objects at the resolution of the input instead of the network's elements."""

from typing import Any

from jaxtyping import Int
from torch import Tensor

from ..data.feature_map import FeatureMap, Grid
from ..data.resampling import resampled
from ..data.segmentation import Segmentation
from ..modality.base import AbstractModality
from ..modality.optional import HasInputGrid, InfersEncoderSettings
from ..networks.modes import evaluating
from .inputs import InMemory


def fine_labels(
    found: Segmentation,
    row: int,
    places: Int[Tensor, " own"],
    grid: Grid | None,
    modality: AbstractModality[Any],
    item: Any,
) -> tuple[Int[Tensor, " fine"], Grid | None]:
    """The objects of one item on its input's own grid: weights are interpolated; sets keep their elements.

    Where most of the interpolated weight is of no object, there is none.

    Args:
        found: the segments of a batch.
        row: the item's row in it.
        places: the item's own elements.
        grid: where they lie.
        modality: says where the elements of the input lie, or its plain features do.
        item: in its native form.

    Source: Odin, [0097] and claim 17.
    """
    own = Segmentation(found.weights[row : row + 1][..., places], grid, found.whole[row : row + 1])
    target = input_grid(modality, item) if grid is not None else None
    if target is None:
        return own.labels()[0], grid
    fine = resampled(own, target)
    nothing = 1 - fine.weights.sum(dim=1, keepdim=True)
    kept = fine.weights.amax(dim=1, keepdim=True) >= nothing
    return Segmentation(fine.weights * kept, target, fine.whole).labels()[0], target


def input_grid(modality: AbstractModality[Any], item: Any) -> Grid | None:
    """Where the elements of the input lie: pixels, samples; or those of the plain features, if nobody says so."""
    if isinstance(modality, HasInputGrid):
        return modality.input_grid(item)
    settings = {}
    if isinstance(modality, InfersEncoderSettings):
        settings = dict(modality.encoder_settings("raw", InMemory([item])))
    raw = modality.encoders["raw"](**settings)
    with evaluating(raw):
        features: FeatureMap = raw(modality.collate([item]))
    return features.grid

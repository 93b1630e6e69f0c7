"""Objects at the resolution of the input instead of the network's elements."""

from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from ..data.cut import valid_on
from ..data.feature_map import FeatureMap, Grid
from ..data.own_elements import own_places
from ..data.places import one_grid
from ..data.resampling import resampled
from ..data.segmentation import Segmentation
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.inferred import plain_encoder
from ..modality.optional import HasInputGrid, ReducesElements
from ..networks.modes import evaluating
from .inputs import InMemory

ItemT = TypeVar("ItemT")


def fine_labels(
    found: FoundBatch[ItemT], row: int, modality: AbstractModality[ItemT]
) -> tuple[Int[Tensor, " fine"], Grid | None]:
    """The objects of one item on its input's own grid: weights are interpolated; sets keep their elements.

    Where objects have finer outlines than the network's elements (`FoundBatch.fine`), these are taken.

    Where most of the interpolated weight is of no object, there is none. An element of the input that lies up to half
    a cell outside the network's elements, at the rim, belongs to what is nearest.

    Args:
        found: a batch.
        row: the item's row in it.
        modality: says where the elements of the input lie, or its plain features do.

    Source: Odin, [0097] and claim 17.
    """
    if isinstance(modality, ReducesElements):
        found = modality.reduced(found)
    segmentation = found.segmentation if found.fine is None else found.fine
    places, own_grid = own_places(valid_on(found.features, segmentation.grid)[row], segmentation.grid, row)
    grid = one_grid(own_grid)
    own = Segmentation(segmentation.weights[row : row + 1][..., places], grid, segmentation.whole[row : row + 1])
    target = None if grid is None else input_grid(modality, found.items[row])
    if grid is None or target is None:
        return own.labels()[0], grid
    fine = resampled(own, target)
    nothing = 1 - fine.weights.sum(dim=1, keepdim=True)
    kept = fine.weights.amax(dim=1, keepdim=True) >= nothing
    labels = Segmentation(fine.weights * kept, target, fine.whole).labels()[0]
    return _to_the_rim(labels, grid, target), target


def _to_the_rim(labels: Int[Tensor, " fine"], grid: Grid, target: Grid) -> Int[Tensor, " fine"]:
    """Elements of the target up to half a cell outside the grid get the label of the nearest ones inside."""
    lattice = labels.view(target.shape)
    for axis, (old, new) in enumerate(zip(grid.edges, target.edges, strict=True)):
        edges, centres = old[0], (new[0, 1:] + new[0, :-1]) / 2
        inside = ((centres >= edges[0]) & (centres < edges[-1])).nonzero()[:, 0]
        before, after = (edges[1] - edges[0]) / 2, (edges[-1] - edges[-2]) / 2
        near = (centres >= edges[0] - before) & (centres < edges[-1] + after)
        if len(inside):
            place = torch.arange(len(centres))
            taken = torch.where(near, place.clamp(int(inside[0]), int(inside[-1])), place)
            lattice = lattice.index_select(axis, taken)
    return lattice.flatten()


def input_grid(modality: AbstractModality[Any], item: Any) -> Grid | None:
    """Where the elements of the input lie: pixels, samples; or those of the plain features, if nobody says so."""
    if isinstance(modality, HasInputGrid):
        grid: Grid = modality.input_grid(item)
        return grid
    raw = plain_encoder(modality, InMemory([item]))
    with evaluating(raw):
        features: FeatureMap = raw(modality.collate([item]))
    return features.grid

"""Segments and features on another lattice: from the encoder's elements to the input's own resolution, and back."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .feature_map import FeatureMap, Grid
from .parts import joined_segments, segmentation_of
from .places import Parts
from .segmentation import Segmentation


def resampled(segmentation: Segmentation, grid: Grid) -> Segmentation:
    """The weights interpolated linearly, axis by axis, between the centres of the elements.

    Borders between objects become smooth instead of following the encoder's coarse elements. Beyond the outermost
    centres weights stay as they are; outside the lattice they are 0. Sets and whole items stay as they are.

    Raises:
        ValueError: if the other lattice has another number of axes.

    Example:
        >>> from gestalt.core.data.segmentation import Segmentation
        >>> two = Segmentation.from_labels(torch.tensor([[0, 1]]), 2, Grid.uniform((2,), (4.0,)))
        >>> resampled(two, Grid.uniform((8,), (1.0,))).weights[0, 1].tolist()
        [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]
    """
    if segmentation.grid is None:
        return segmentation
    if len(grid.edges) != len(segmentation.grid.edges):
        raise ValueError(
            f"segments on {len(segmentation.grid.edges)} axes cannot be laid on a lattice of {len(grid.edges)} axes"
        )
    return Segmentation(_interpolated(segmentation.weights, segmentation.grid, grid), grid, segmentation.whole)


def refined(features: FeatureMap, grid: Grid) -> FeatureMap:
    """The vectors interpolated linearly, axis by axis, between the centres of an item's own elements.

    Padding is left out of the mean; an element of the finer lattice is valid if it lies within a valid one.

    Raises:
        ValueError: if the features are a set, or the other lattice has another number of axes.

    Example:
        >>> here = torch.ones(1, 2, dtype=torch.bool)
        >>> two = FeatureMap(torch.tensor([[[0.0], [4.0]]]), here, Grid.uniform((2,), (2.0,)))
        >>> refined(two, Grid.uniform((4,), (1.0,))).values.flatten().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    if features.grid is None or len(grid.edges) != len(features.grid.edges):
        raise ValueError("features are refined from one lattice to another of as many axes")
    known = features.valid[:, None].float()
    values = torch.where(features.valid[..., None], features.values.float(), 0.0).transpose(1, 2)
    fine = _interpolated(torch.cat([values, known], dim=1), features.grid, grid)
    places = grid.centres().to(features.values.device).expand(len(values), -1, -1)
    found = features.grid.locate(places)
    valid = features.valid.gather(1, found.clamp(min=0)) & (found >= 0)
    mean = fine[:, :-1] / fine[:, -1:].clamp(min=1e-6)
    return FeatureMap(torch.where(valid[:, None], mean, 0.0).transpose(1, 2), valid, grid)


def averaged(segmentation: Segmentation, features: FeatureMap) -> Segmentation:
    """The mean weight over the finer elements that lie in each element of a feature map.

    Elements that no finer one lies in take what lies under their centre. Sets and whole items stay as they are.

    Example:
        >>> fine = Segmentation.from_labels(torch.tensor([[0, 0, 0, 1]]), 2, Grid.uniform((4,), (1.0,)))
        >>> map = FeatureMap(torch.zeros(1, 2, 1), torch.ones(1, 2, dtype=torch.bool), Grid.uniform((2,), (2.0,)))
        >>> averaged(fine, map).weights[0].tolist()
        [[1.0, 0.5], [0.0, 0.5]]
    """
    if segmentation.places is features.places:
        return segmentation
    if isinstance(features.places, Parts):
        own = {
            name: averaged(segmentation_of(segmentation, name), features.part(name)) for name in features.places.names
        }
        return joined_segments(own)
    if segmentation.grid is None or features.grid is None:
        return segmentation
    device, batch = segmentation.weights.device, len(segmentation.weights)
    inside = features.grid.locate(segmentation.grid.centres().to(device).expand(batch, -1, -1))
    bins = torch.where(inside >= 0, inside, features.grid.elements)  # one bin behind the last for what lies outside
    total = segmentation.weights.new_zeros(batch, segmentation.objects + 1, features.grid.elements + 1)
    counted = torch.cat([segmentation.weights, torch.ones_like(segmentation.weights[:, :1])], dim=1)
    total = total.scatter_add(2, bins[:, None].expand_as(counted), counted)[..., :-1]
    mean, count = total[:, :-1] / total[:, -1:].clamp(min=1), total[:, -1:]
    under = segmentation.grid.locate(features.grid.centres().to(device).expand(batch, -1, -1))
    nearest = segmentation.weights.gather(2, under.clamp(min=0)[:, None].expand(-1, segmentation.objects, -1))
    weights = torch.where(count > 0, mean, nearest * (under >= 0)[:, None]) * features.valid[:, None]
    return Segmentation(weights, features.places, segmentation.whole)


def _interpolated(rows: Float[Tensor, "batch rows elements"], old: Grid, new: Grid) -> Tensor:
    """Numbers of the elements of one lattice on another."""
    values = rows.unflatten(2, old.shape)
    for axis, (before, after) in enumerate(zip(old.edges, new.edges, strict=True)):
        values = _along(values, axis + 2, before.to(rows.device), after.to(rows.device))
    flat: Tensor = values.flatten(2)
    return flat


def _along(weights: Tensor, axis: int, old: Float[Tensor, "_ _"], new: Float[Tensor, "_ _"]) -> Tensor:
    batch = len(weights)
    centres = ((old[:, 1:] + old[:, :-1]) / 2).expand(batch, -1).contiguous()
    wanted = ((new[:, 1:] + new[:, :-1]) / 2).expand(batch, -1).contiguous()
    after = torch.searchsorted(centres, wanted)
    last = centres.shape[1] - 1
    low, high = (after - 1).clamp(0, last), after.clamp(0, last)
    left, right = centres.gather(1, low), centres.gather(1, high)
    share = torch.where(high > low, (wanted - left) / (right - left).clamp(min=1e-12), 0.0)
    inside = (wanted >= old[:, :1]) & (wanted < old[:, -1:])
    moved = weights.movedim(axis, 1)
    rest = (1,) * (moved.ndim - 2)

    def taken(index: Int[Tensor, "batch cells"]) -> Tensor:
        return moved.gather(1, index.view(batch, -1, *rest).expand(-1, -1, *moved.shape[2:]))

    mixed = torch.lerp(taken(low), taken(high), share.view(batch, -1, *rest).to(weights))
    return (mixed * inside.view(batch, -1, *rest)).movedim(1, axis)

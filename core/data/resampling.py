"""Segments on another lattice: from the encoder's elements to the input's own resolution."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .feature_map import Grid
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
    weights = segmentation.weights.unflatten(2, segmentation.grid.shape)
    for axis, (old, new) in enumerate(zip(segmentation.grid.edges, grid.edges, strict=True)):
        weights = _along(weights, axis + 2, old.to(weights.device), new.to(weights.device))
    return Segmentation(weights.flatten(2), grid, segmentation.whole)


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

"""One row of a padded batch without its padding."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.feature_map import Grid


def own_elements(
    found: Int[Tensor, " elements"], valid: Bool[Tensor, " elements"], grid: Grid | None, row: int
) -> tuple[Int[Tensor, " own"], Grid | None]:
    """The labels of one item without the padding of its batch: cut along every axis after its last valid element."""
    places, own = own_places(valid, grid, row)
    return found[places], own


def own_places(
    valid: Bool[Tensor, " elements"], grid: Grid | None, row: int
) -> tuple[Int[Tensor, " own"], Grid | None]:
    """The numbers of one item's own elements in its batch, and their grid.

    Example:
        >>> own_places(torch.tensor([True, True, False]), None, row=0)[0].tolist()
        [0, 1]
    """
    shape = grid.shape if grid else (len(valid),)
    own = valid.view(shape)
    ends = [int(where.max()) + 1 for where in own.nonzero().T] if bool(own.any()) else [1] * own.dim()
    places = torch.arange(len(valid)).view(shape)[tuple(slice(end) for end in ends)].flatten()
    if grid is None:
        return places, None
    edges = zip(grid.edges, ends, strict=True)
    return places, Grid(tuple(axis[row % len(axis)][None, : end + 1] for axis, end in edges))

"""One row of a padded batch without its padding."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .grid import Grid
from .places import Parts, Places


def own_elements(
    found: Int[Tensor, " elements"], valid: Bool[Tensor, " elements"], places: Places | None, row: int
) -> tuple[Int[Tensor, " own"], Places | None]:
    """The labels of one item without the padding of its batch: cut along every axis after its last valid element."""
    index, own = own_places(valid, places, row)
    return found[index], own


def own_places(
    valid: Bool[Tensor, " elements"], places: Places | None, row: int
) -> tuple[Int[Tensor, " own"], Places | None]:
    """The numbers of one item's own elements in its batch, and where they lie; of a joint item, part by part.

    Example:
        >>> own_places(torch.tensor([True, True, False]), None, row=0)[0].tolist()
        [0, 1]
        >>> own_places(torch.tensor([True, False, True, False]), Parts(("a", "b"), (2, 2), (None, None)), row=0)
        (tensor([0, 2]), Parts(names=('a', 'b'), cells=(1, 1), grids=(None, None), in_time=()))
    """
    if not isinstance(places, Parts):
        return _of_one(valid, places, row)
    index, grids = list[Tensor](), list[Grid | None]()
    for here, grid in zip(places.slices.values(), places.grids, strict=True):
        missing = not bool(valid[here].any())  # an item that lacks the part
        own, own_grid = (torch.arange(0), None) if missing else _of_one(valid[here], grid, row)
        index.append(own + here.start)
        grids.append(own_grid)
    return torch.cat(index), Parts(places.names, tuple(map(len, index)), tuple(grids), places.in_time)


def _of_one(valid: Bool[Tensor, " elements"], grid: Grid | None, row: int) -> tuple[Int[Tensor, " own"], Grid | None]:
    shape = grid.shape if grid else (len(valid),)
    own = valid.view(shape)
    ends = [int(where.max()) + 1 for where in own.nonzero().T] if bool(own.any()) else [1] * own.dim()
    places = torch.arange(len(valid)).view(shape)[tuple(slice(end) for end in ends)].flatten()
    if grid is None:
        return places, None
    edges = zip(grid.edges, ends, strict=True)
    return places, Grid(tuple(axis[row % len(axis)][None, : end + 1] for axis, end in edges))

"""Feature maps cut into pieces, and put together again: as a batch, or one behind the other."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from .course import Course
from .feature_map import FeatureMap, Grid
from .parts import joined
from .places import Parts, Places


def part_of(features: FeatureMap, row: int, index: Int[Tensor, " own"], places: Places | None) -> FeatureMap:
    """Some elements of one item of a batch, as a batch of one on the CPU; `places` are theirs."""
    near, device = features.neighbours, features.values.device
    index = index.to(device)
    return FeatureMap(
        rows_of_item(features.values, row, index),
        rows_of_item(features.valid, row, index),
        places,
        None if near is None else near[row].index_select(0, index).index_select(1, index)[None].cpu(),
    )


def rows_of_item(
    batch: Shaped[Tensor, "batch elements *rest"], row: int, index: Int[Tensor, " own"]
) -> Shaped[Tensor, "1 own *rest"]:
    """Some elements of one item of a batch, as a batch of one on the CPU.

    Rows are copied one after the other: indexing by two axes at once takes several times as long, for every window.

    Example:
        >>> rows_of_item(torch.arange(6).view(2, 3), 1, torch.tensor([2, 0])).tolist()
        [[5, 3]]
    """
    return batch[row].index_select(0, index)[None].cpu()


def padded_features(maps: Sequence[FeatureMap]) -> FeatureMap:
    """Batches of one as one batch; on a grid they may differ in length along the first axis. Of items with parts, every
    part by itself; one that an item lacks has no valid element.

    Raises:
        ValueError: if the grids differ along other axes.

    Example:
        >>> one, two = (FeatureMap(torch.ones(1, n, 2), torch.ones(1, n, dtype=torch.bool)) for n in (1, 3))
        >>> padded_features([one, two]).valid.tolist()
        [[True, False, False], [True, True, True]]
    """
    first_places = maps[0].places
    if isinstance(first_places, Parts):
        every = {name: padded_features([one.part(name) for one in maps]) for name in first_places.names}
        return joined(every, first_places.in_time)
    values, valid = padded_rows([one.values for one in maps]), padded_rows([one.valid for one in maps])
    there = next((one.grid for one in maps if one.grid is not None), None)
    if there is None:
        near = [one.neighbours for one in maps if one.neighbours is not None]
        square = torch.cat([_square(one, valid.shape[1]) for one in near]) if len(near) == len(maps) else None
        return FeatureMap(values, valid, None, square)
    return FeatureMap(values, valid, padded_grids([one.grid for one in maps]))


def padded_grids(grids: Sequence[Grid | None]) -> Grid | None:
    """The lattices of batches of one as that of one batch: further cells are as wide as the last one of each.

    Args:
        grids: of every item; None of a part that an item lacks. All None for sets.

    Raises:
        ValueError: if they differ along other axes than the first.

    Example:
        >>> padded_grids([Grid.uniform((1,), (2.0,)), Grid.uniform((2,), (0.5,))]).edges[0].tolist()
        [[0.0, 2.0, 4.0], [0.0, 0.5, 1.0]]
    """
    there = next((grid for grid in grids if grid is not None), None)
    if there is None:
        return None
    all_there = [there if grid is None else grid for grid in grids]
    if all(grid is there for grid in all_there):  # windows of one length share theirs
        return Grid(tuple(edges.repeat(len(grids), 1) for edges in there.edges))
    if len({grid.shape[1:] for grid in all_there}) > 1:
        raise ValueError(f"grids of {sorted({grid.shape for grid in all_there})} cells cannot be padded to one batch")
    cells = max(grid.shape[0] for grid in all_there)
    first = torch.cat([_longer(grid.edges[0], cells) for grid in all_there])
    others = tuple(torch.cat([grid.edges[axis] for grid in all_there]) for axis in range(1, len(there.edges)))
    return Grid((first, *others))


def chained_features(maps: Sequence[FeatureMap]) -> FeatureMap:
    """Batches of one as one item, one behind the other; cells keep their extent along the first axis.

    Example:
        >>> one = FeatureMap(torch.ones(1, 2, 3), torch.ones(1, 2, dtype=torch.bool), Grid.uniform((2,), (0.5,)))
        >>> chained_features([one, one]).grid.edges[0].tolist()
        [[0.0, 0.5, 1.0, 1.5, 2.0]]
    """
    values, valid = torch.cat([m.values for m in maps], dim=1), torch.cat([m.valid for m in maps], dim=1)
    first = maps[0].grid
    if first is None:
        return FeatureMap(values, valid)
    widths = torch.cat([m.grid.edges[0].double().diff(dim=1) for m in maps if m.grid is not None], dim=1)
    begin = first.edges[0][:, :1].double()
    edges = torch.cat([begin, begin + widths.cumsum(dim=1)], dim=1)
    return FeatureMap(values, valid, Grid((edges.to(first.edges[0].dtype), *first.edges[1:])))


def one_behind_the_other(maps: Sequence[FeatureMap], course: Sequence[Course]) -> FeatureMap:
    """Windows of items with parts as one item, part by part; of a part that lasts, the mean of what all windows hold.

    Args:
        maps: batches of one.
        course: of every window.
    """
    places = maps[0].places
    if not isinstance(places, Parts):
        return chained_features(maps)
    grids, cells = list[Grid | None](), list[int]()
    for name in places.names:
        own = [one.part(name) for one in maps]
        there = [one for one in own if one.valid.shape[1]] or own[:1]
        chained = there[0] if course[0].strands[name].cells is None else chained_features(there)
        grids.append(chained.grid)
        cells.append(chained.valid.shape[1])
    of_parts = Parts(places.names, tuple(cells), tuple(grids), places.in_time)
    values, valid = (rows_behind([getattr(one, of) for one in maps], course) for of in ("values", "valid"))
    return FeatureMap(values, valid, of_parts)


def rows_behind(rows: Sequence[Shaped[Tensor, "1 _ *rest"]], course: Sequence[Course]) -> Shaped[Tensor, "1 all *rest"]:
    """What is known of the elements of windows, one behind the other, part by part; see `one_behind_the_other`."""
    found = list[Tensor]()
    for name, strand in course[0].strands.items():
        own = [
            row[:, at.first : at.first + at.count]
            for row, at in zip(rows, (one.strands[name] for one in course), strict=True)
        ]
        if strand.cells is not None:
            found.append(torch.cat(own, dim=1))
        elif own[0].is_floating_point():
            found.append(torch.stack(own).mean(dim=0))
        else:
            found.append(own[0])
    return torch.cat(found, dim=1)


def padded_rows(parts: Sequence[Tensor]) -> Tensor:
    """Batches of one, of unequal length, as one batch padded with zeros."""
    return torch.nn.utils.rnn.pad_sequence([part[0] for part in parts], batch_first=True)


def padable(places: Places | None) -> tuple[object, ...]:
    """What maps must have in common to be padded to one batch: the cells of all axes but the first, part by part.

    Example:
        >>> padable(Grid.uniform((2, 3), (1.0, 1.0))), padable(None)
        (((3,),), (None,))
    """
    grids = places.grids if isinstance(places, Parts) else (places,)
    return tuple(grid.shape[1:] if isinstance(grid, Grid) else None for grid in grids)


def _square(near: Bool[Tensor, "1 elements elements"], most: int) -> Bool[Tensor, "1 most most"]:
    missing = most - near.shape[1]
    return torch.nn.functional.pad(near, (0, missing, 0, missing))


def _longer(edges: Float[Tensor, "1 edges"], cells: int) -> Float[Tensor, "1 longer"]:
    """The same edges with further cells as wide as the last one."""
    missing = cells + 1 - edges.shape[1]
    step = edges[:, -1:] - edges[:, -2:-1]
    return torch.cat([edges, edges[:, -1:] + step * torch.arange(1, missing + 1)], dim=1)

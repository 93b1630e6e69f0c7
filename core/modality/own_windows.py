"""Which elements of what the network saw around windows are the windows' own."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.grid import Grid
from ..data.own_elements import own_places
from ..data.places import Parts, Places
from .windows import InContext

OwnElements = tuple[Int[Tensor, " _"], Places | None]
"""The numbers of elements in their row of a batch, and where they lie from where the window begins."""
OfOne = tuple[Int[Tensor, " _"], Grid | None]


@final
class _Missing(Enum):
    """What is said of a part that a window lacks."""

    PART = 0


_Said = tuple[float, float] | Int[Tensor, " _"] | None | _Missing
"""None: all of it, since it is the same in all windows."""


def own_elements_of(windows: Sequence[InContext[Any]], features: FeatureMap) -> list[OwnElements]:
    """Which elements of `around` are those of the window itself, for all windows of one batch.

    An element on a lattice is its own if its centre lies in the window; where none does, the one nearest to its middle.
    Padding is never its own. Windows with the same elements share the tensors that say so.

    Args:
        windows: as many as the batch has rows.
        features: what the network gave for their `around`.

    Raises:
        ValueError: if `own` fits a set and the features lie on a grid, or the reverse.
    """
    places, valid = features.places, features.valid.cpu()
    if not isinstance(places, Parts):
        said = list[_Said]()
        for one in windows:
            if isinstance(one.own, Mapping):
                raise ValueError("own is of several parts, and the features are of none")
            said.append(one.own)
        return list(_own_of_one(said, valid, features.grid))
    own = list[list[OfOne]]()
    for (name, here), grid in zip(places.slices.items(), places.grids, strict=True):
        there = valid[:, here].any(dim=1).tolist()
        said = [_of_part(one, name) if some else _Missing.PART for one, some in zip(windows, there, strict=True)]
        own.append([(index + here.start, lattice) for index, lattice in _own_of_one(said, valid[:, here], grid)])
    return [
        (
            torch.cat([index for index, _ in row]),
            Parts(
                places.names,
                tuple(len(index) for index, _ in row),
                tuple(lattice for _, lattice in row),
                places.in_time,
            ),
        )
        for row in zip(*own, strict=True)
    ]


def _of_part(window: InContext[Any], name: str) -> _Said:
    if not isinstance(window.own, Mapping):
        raise ValueError("own is of no several parts, and the features are")
    return window.own.get(name, _Missing.PART)


def _own_of_one(said: Sequence[_Said], valid: Bool[Tensor, "rows elements"], grid: Grid | None) -> list[OfOne]:
    """Of elements on one lattice or in one set, for all rows."""
    spans = {row: own for row, own in enumerate(said) if isinstance(own, tuple)}
    if spans if grid is None else any(isinstance(own, Tensor) for own in said):
        raise ValueError("own is begin and end for elements on a grid, and numbers of elements for sets")
    found = {} if grid is None or not spans else _in_spans(spans, valid, grid)
    rows = list[OfOne]()
    for row, own in enumerate(said):
        if isinstance(own, Tensor):
            rows.append((own, None))
        elif own is None:
            index, lattice = own_places(valid[row], grid, row)
            assert not isinstance(lattice, Parts)
            rows.append((index, lattice))
        else:
            rows.append((torch.arange(0), None) if isinstance(own, _Missing) else found[row])
    return rows


def _in_spans(
    spans: Mapping[int, tuple[float, float]], valid: Bool[Tensor, "rows elements"], grid: Grid
) -> dict[int, OfOne]:
    """By row, the elements whose centres lie between two places of the first axis."""
    rows = np.array(list(spans))
    begins, ends = np.array(list(spans.values())).T[:, :, None]
    edges = tuple(axis.cpu() for axis in grid.edges)
    # In NumPy: it takes as long for few numbers as torch takes to begin.
    first = edges[0].double().numpy()
    first = first if len(first) == 1 else first[rows]
    centres = (first[:, 1:] + first[:, :-1]) / 2
    known = valid.numpy()[rows].reshape(len(rows), grid.shape[0], -1)
    cells: Bool[np.ndarray, "rows cells"] = np.logical_or.reduce(known, axis=2)
    # A centre may lie on the border of two windows: both must round it to the same side.
    slack = np.sort(np.diff(first), axis=1)[:, (grid.shape[0] - 1) // 2, None] * 1e-3
    inside = (centres >= begins - slack) & (centres < ends - slack) & cells
    for place in (~inside.any(axis=1)).nonzero()[0]:
        away = np.abs(centres[place % len(centres)] - (begins[place] + ends[place]) / 2)
        inside[place, np.where(cells[place], away, np.inf).argmin()] = True
    lows, highs = inside.argmax(axis=1), grid.shape[0] - inside[:, ::-1].argmax(axis=1)
    across: Bool[np.ndarray, "rows across"] = np.logical_or.reduce(known, axis=1)
    counts = [axis.shape[0] for axis in edges]
    found, shared = dict[int, OfOne](), dict[tuple[object, ...], OfOne]()
    every = zip(spans, lows.tolist(), highs.tolist(), begins[:, 0].tolist(), across, strict=True)
    for place, (row, low, high, begin, wide) in enumerate(every):
        lattice = tuple([row % count for count in counts])
        alike = (low, high, begin, lattice, wide.tobytes())
        if alike not in shared:
            others = tuple(axis[at][None] for axis, at in zip(edges[1:], lattice[1:], strict=True))
            kept = torch.from_numpy(first[place % len(first), low : high + 1] - begin)[None].to(edges[0].dtype)
            shared[alike] = _cells(low, high, kept, others, wide)
        found[row] = shared[alike]
    return found


def _cells(low: int, high: int, kept: Tensor, others: tuple[Tensor, ...], across: Any) -> OfOne:
    """All elements of some cells along the first axis, but for what is padding along the others."""
    if across.all():
        return torch.arange(low * across.size, high * across.size), Grid((kept, *others))
    # Items of a batch may be wider than this one, and of the next batch not: what is padding is left out.
    places, rest = own_places(torch.from_numpy(across), Grid(others), 0)
    assert isinstance(rest, Grid)
    index = torch.arange(low, high)[:, None] * across.size + places
    return index.flatten(), Grid((kept, *rest.edges))

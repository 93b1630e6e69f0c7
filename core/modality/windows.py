"""Files in windows: in which file a window lies, and at which place in it."""

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.feature_map import FeatureMap, Grid
from ..data.items import AbstractItems
from ..data.own_elements import own_places
from ..data.places import Parts, Places

ItemT = TypeVar("ItemT")


@final
class WindowIndex:
    """The windows of all files numbered in a row, those of the first file first.

    Args:
        counts: how many windows each file has.
        window: what a window is called in messages.

    Example:
        >>> index = WindowIndex([2, 0, 3])
        >>> len(index), index.place(1), index.place(2), index.of_file(2)
        (5, (0, 1), (2, 0), range(2, 5))
    """

    def __init__(self, counts: Iterable[int], window: str = "window") -> None:
        self.window = window
        self._ends = tuple(accumulate(counts))

    def __len__(self) -> int:
        """Windows of all files together."""
        return self._ends[-1] if self._ends else 0

    def place(self, number: int) -> tuple[int, int]:
        """The file of window `number`, and its place among the windows of that file; both count from 0.

        Raises:
            IndexError: if there is no such window.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"{self.window} {number} of {len(self)}")
        file = bisect.bisect_right(self._ends, number)
        return file, number - self._begin(file)

    def of_file(self, file: int) -> range:
        """The numbers of the windows of file `file`."""
        return range(self._begin(file), self._ends[file])

    def _begin(self, file: int) -> int:
        return self._ends[file - 1] if file else 0


def window_name(path: Path, begin: float, seconds: float, length: float) -> str:
    """A file and the seconds of a window in it; the last window ends with the file.

    Example:
        >>> window_name(Path("dawn.wav"), 8.0, 4.0, 10.5)
        'dawn.wav [8.0–10.5 s]'
    """
    return f"{path} [{begin:.1f}–{min(begin + seconds, length):.1f} s]"


def jittered(begin: float, seconds: float, length: float, rng: np.random.Generator, earliest: float = 0.0) -> float:
    """Up to half a window earlier or later, uniformly, but never so that it leaves the file, or begins before
    `earliest`.

    It takes the first number of `rng` and no other: parts of a joint item, each with its own `rng` of one seed, are
    moved alike.

    Example:
        >>> 6.0 <= jittered(8.0, 4.0, 60.0, np.random.default_rng(0)) <= 10.0
        True
    """
    latest = max(earliest, length - seconds)
    return min(max(earliest, begin + seconds * (rng.random() - 0.5)), latest)


@final
@dataclass(frozen=True)
class Sight:
    """What networks look at items with, for items that are read with what lies around them.

    Attributes:
        steps: the extents of their elements along the first axis of the grid, in its unit; none for sets.
        longest: the longest stretch that all of them take, in the same unit (of a set, elements).
        reach: how far beyond an element they see, in the same unit, where they say so.
        parts: of items with parts, the same for each part by its name.
    """

    steps: tuple[float, ...] = ()
    longest: float = math.inf
    reach: float = 0.0
    parts: Mapping[str, "Sight"] = field(default_factory=dict)

    def part(self, name: str) -> "Sight":
        """What networks look at one part with."""
        return self.parts.get(name, Sight())

    @property
    def on_lattice(self) -> bool:
        """Whether anything of an item lies on a lattice: it is as large in every window then."""
        return bool(self.steps) or any(one.on_lattice for one in self.parts.values())


Own = tuple[float, float] | Int[Tensor, " own"]
"""What of a window's surroundings is the window itself: where it begins and ends, or the numbers of its elements."""


@final
@dataclass(frozen=True)
class InContext(Generic[ItemT]):
    """A window with what lies around it in the whole that it was cut from.

    The network sees all of `around`; of its elements only those of the window are kept. So an element's vector does not
    depend on where windows begin, as far as the network sees no further than the context.

    Attributes:
        item: the window itself, as `read` gives it.
        around: the window with its context.
        own: for elements on a grid, where the window begins and ends in `around`, along the first axis: an element is
            its own if its centre lies there. For sets, the numbers of its elements in `around`, in its own order. For
            items with parts, one of these for every part that this one has; None for a part that is the same in all
            windows, whole.
        numbers: for windows that overlap in no order (`InOverlap`), the number in the whole of every element of
            `around`; None for others.
    """

    item: ItemT
    around: ItemT
    own: Own | Mapping[str, Own | None]
    numbers: Int[Tensor, " around"] | None = None

    @property
    def lasting(self) -> frozenset[str]:
        """The parts that are the same in all windows."""
        if not isinstance(self.own, Mapping):
            return frozenset()
        return frozenset(name for name, own in self.own.items() if own is None)

    def elements(self, features: FeatureMap, row: int) -> tuple[Int[Tensor, " own"], Places | None]:
        """Which elements of `around`, at a row of a batch, are the window's, and their grid from where it begins.

        Where no centre lies in the window, the element nearest to its middle is its own. Padding is never its own.

        Raises:
            ValueError: if `own` fits a set and the features lie on a grid, or the reverse.
        """
        places = features.places
        if not isinstance(self.own, Mapping) or not isinstance(places, Parts):
            if isinstance(self.own, Mapping):
                raise ValueError("own is of several parts, and the features are of none")
            return _own_elements(self.own, features.valid[row], features.grid, row)
        index, grids = list[Tensor](), list[Grid | None]()
        for name, here in places.slices.items():
            valid, grid = features.valid[row, here], places.grids[places.names.index(name)]
            if name not in self.own or not bool(valid.any()):
                own, own_grid = torch.arange(0), None
            elif (said := self.own[name]) is None:
                own, own_grid = _one(*own_places(valid.cpu(), grid, row))
            else:
                own, own_grid = _own_elements(said, valid, grid, row)
            index.append(own.cpu() + here.start)
            grids.append(own_grid)
        return torch.cat(index), Parts(places.names, tuple(map(len, index)), tuple(grids))


def _one(own: Int[Tensor, " own"], places: Places | None) -> tuple[Int[Tensor, " own"], Grid | None]:
    assert not isinstance(places, Parts)
    return own, places


def _own_elements(
    own: Own, valid: Bool[Tensor, " elements"], grid: Grid | None, row: int
) -> tuple[Int[Tensor, " own"], Grid | None]:
    """Which elements of what is around a window are its own, on one lattice or in one set, and their grid."""
    if isinstance(own, Tensor) != (grid is None):
        raise ValueError("own is begin and end for elements on a grid, and numbers of elements for sets")
    if isinstance(own, Tensor) or grid is None:
        assert isinstance(own, Tensor)
        return own, None
    begin, end = own
    edges = tuple(axis[row % len(axis)][None].cpu() for axis in grid.edges)
    # In NumPy: it takes as long for few numbers as torch takes to begin, and this is done for every window.
    first = edges[0][0].double().numpy()
    centres = (first[1:] + first[:-1]) / 2
    known = valid.cpu().numpy().reshape(grid.shape[0], -1)
    cells = known.any(axis=1)
    # A centre may lie on the border of two windows: both must round it to the same side.
    slack = float(np.sort(np.diff(first))[(len(first) - 2) // 2]) * 1e-3
    inside = (centres >= begin - slack) & (centres < end - slack) & cells
    if not inside.any():
        inside[np.where(cells, np.abs(centres - (begin + end) / 2), np.inf).argmin()] = True
    which = inside.nonzero()[0]
    low, high = int(which[0]), int(which[-1]) + 1
    kept = torch.from_numpy(first[low : high + 1] - begin)[None].to(edges[0].dtype)
    across = known.any(axis=0)
    if across.all():
        return torch.arange(low * across.size, high * across.size), Grid((kept, *edges[1:]))
    # Items of a batch may be wider than this one, and of the next batch not: what is padding is left out.
    places, rest = _one(*own_places(torch.from_numpy(across), Grid(edges[1:]), 0))
    assert rest is not None
    index = torch.arange(low, high)[:, None] * across.size + places
    return index.flatten(), Grid((kept, *rest.edges))


@runtime_checkable
class Jittered(Protocol):
    """Items cut into windows, which begin a little earlier or later every time while training."""

    def with_jitter(self, jitter: bool) -> AbstractItems[Any]:
        """The same items, read for training (`True`) or exactly."""
        ...


@runtime_checkable
class OnClocks(Protocol[ItemT]):
    """Numbered items that are windows of files in time. The clock of a video counts for its frames and for its sound,
    which need not begin together.
    """

    @property
    def extents(self) -> Mapping[Path, tuple[float, float]]:
        """When what is read of every file begins and ends, in seconds of the file's clock."""
        ...

    def between(self, moments: Mapping[Path, tuple[float, float]]) -> AbstractItems[ItemT]:
        """The same items; files that are named are cut into windows between two moments of their clock alone."""
        ...


def beginning_before(place: float, margin: float, rate: float | int, steps: Sequence[float]) -> int:
    """The last sample, at `rate` samples per unit, at least `margin` before a place, at which all elements begin.

    Elements of every step lie on one lattice from the begin of the whole, if what is read begins there. The first step
    always counts, a further one unless all begin together more rarely than once a margin.

    Example: elements of 32 and of 20 ms both begin every 160 ms.

        >>> beginning_before(4.0, 1.0, 16_000.0, (0.032, 0.02)) / 16_000
        2.88
        >>> beginning_before(4.0, 1.0, 44_100.0, (1411 / 44_100, 882 / 44_100)) % 1411
        0
    """
    together = 1
    for number, step in enumerate(steps):
        common = math.lcm(together, max(1, round(step * rate)))
        if number == 0 or common <= margin * rate:
            together = common
    return max(0, math.floor((place - margin) * rate / together + 1e-9) * together)

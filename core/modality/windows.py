"""Files in windows: in which file a window lies, and at which place in it."""

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

import numpy as np
from jaxtyping import Int
from torch import Tensor

from ..data.items import AbstractItems

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

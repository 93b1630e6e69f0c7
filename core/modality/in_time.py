"""Files that lie in time, cut into windows of so many seconds: which seconds of which file a window shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np

from .files import number_of
from .windows import Sight, WindowIndex, beginning_before, jittered, window_name

ROUNDING = 1e-5
"""Of the shortest window: lengths are sums of numbers that are not exact, and 0.3 s are three windows of 0.1 s."""


@final
@dataclass(frozen=True)
class WindowsInTime:
    """The windows of all files numbered in a row; they tile what is read of each file.

    The last window of a file is shorter; it is left out below `shortest`, unless it is the only one.

    Attributes:
        paths: of the files.
        stretches: between which seconds from its first sample each file is cut into windows.
        seconds: how long a window lasts.
        shortest: the shortest window, in seconds.
        called: what one calls the files.

    Example:
        >>> windows = WindowsInTime((Path("a.wav"), Path("b.wav")), ((0.0, 9.0), (0.0, 4.0)), 4.0, 0.5)
        >>> len(windows), windows.name(2), windows.whole(1), windows.seconds_of(2)
        (4, 'a.wav [8.0–9.0 s]', range(0, 3), 1.0)
        >>> len(WindowsInTime((Path("a.wav"),), ((0.0, 0.3),), 0.1, 0.1))
        3
    """

    paths: tuple[Path, ...]
    stretches: tuple[tuple[float, float], ...]
    seconds: float
    shortest: float
    called: str = "files"

    @cached_property
    def _index(self) -> WindowIndex:
        return WindowIndex(self._count(end - begin) for begin, end in self.stretches)

    def _count(self, length: float) -> int:
        slack = ROUNDING * self.shortest
        whole, rest = divmod(length + slack, self.seconds)
        return max(1, int(whole) + (rest >= self.shortest))

    def __len__(self) -> int:
        """Windows of all files together."""
        return len(self._index)

    def place(self, index: int) -> tuple[int, int]:
        """The number of the file of window `index`, and that of the window in it."""
        return self._index.place(index)

    def path(self, index: int) -> Path:
        """The file of window `index`."""
        return self.paths[self._index.place(index)[0]]

    def start(self, index: int) -> float:
        """Where window `index` begins, in seconds from the first sample of its file."""
        file, window = self._index.place(index)
        return self.stretches[file][0] + window * self.seconds

    def moved(self, index: int, rng: np.random.Generator) -> float:
        """Where it begins while training: up to half a window earlier or later."""
        earliest, end = self.stretches[self._index.place(index)[0]]
        return jittered(self.start(index), self.seconds, end, rng, earliest)

    def seconds_of(self, index: int, begin: float | None = None) -> float:
        """How long window `index` lasts, from where it begins unless that is given: no further than its stretch."""
        begin = self.start(index) if begin is None else begin
        return min(self.seconds, self.stretches[self._index.place(index)[0]][1] - begin)

    def name(self, index: int) -> str:
        """The file, and the seconds of the window in it."""
        end = self.stretches[self._index.place(index)[0]][1]
        return window_name(self.path(index), self.start(index), self.seconds, end)

    def of_file(self, path: Path) -> range:
        """The numbers of one file's windows, in order of time.

        Raises:
            ValueError: if the file is not among these.
        """
        return self._index.of_file(number_of(path, self.paths, self.called))

    def whole(self, index: int) -> range:
        """The windows of the file of window `index`."""
        return self._index.of_file(self._index.place(index)[0])

    def between(
        self, moments: Mapping[Path, tuple[float, float]], begins: Sequence[float]
    ) -> tuple[tuple[float, float], ...]:
        """Stretches of all files; of those that are named, between two moments on the clock of the file.

        Args:
            moments: by file.
            begins: when the first sample of every file lies on its clock.
        """
        files = zip(self.paths, begins, self.stretches, strict=True)
        return tuple(
            (moments[path][0] - begin, moments[path][1] - begin) if path in moments else own
            for path, begin, own in files
        )

    def around(self, index: int, rate: float, sight: Sight, context: float) -> tuple[int, float]:
        """What a network sees of a file beside window `index`: its first sample, at `rate` per second, and its seconds.

        It begins `context` seconds before the window, or as many as the network sees, and ends as long after it; it is
        shorter where the file begins or ends, and where the network takes no more.
        """
        begin = self.start(index)
        margin = max(0.0, min(max(context, sight.reach), (sight.longest - self.seconds) / 2))
        first = beginning_before(begin, margin, rate, sight.steps)
        if begin + self.seconds - first / rate > sight.longest:
            first = round(begin * rate)
        return first, min(begin + self.seconds + margin - first / rate, sight.longest)

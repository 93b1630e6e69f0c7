"""Files in windows: in which file a window lies, and at which place in it."""

import bisect
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import final

import numpy as np


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


def jittered(begin: float, seconds: float, length: float, rng: np.random.Generator) -> float:
    """Up to half a window earlier or later, uniformly, but never so that it leaves the file.

    Example:
        >>> 6.0 <= jittered(8.0, 4.0, 60.0, np.random.default_rng(0)) <= 10.0
        True
    """
    latest = max(0.0, length - seconds)
    return min(max(0.0, begin + seconds * (rng.random() - 0.5)), latest)

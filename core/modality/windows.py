"""Files in windows: in which file a window lies, and at which place in it."""

import bisect
from collections.abc import Iterable
from itertools import accumulate
from typing import final


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

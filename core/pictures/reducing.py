"""Pictures that are read smaller than they are, a part at a time, so that memory holds what is wanted and no more."""

from typing import Any, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from .pixels import Pixels

GAP = 1.5
"""A picture that is to be shrunk keeps so many times the pixels a side: the last step is left to better resampling."""
MOST_STREAMED = 2**33
"""Pixels × channels of a picture that is reduced as it is read; more takes minutes to decode."""
STRIP = 2**22
"""Values of an array in memory that are taken at a time."""


def reduction(height: int, width: int, longest: int | None) -> int:
    """By how much a picture can be reduced beforehand that is to have at most `longest` pixels a side; 1: not at all.

    Example:
        >>> reduction(8192, 4096, 1024), reduction(1200, 900, 1024), reduction(8192, 4096, None)
        (5, 1, 1)
    """
    return 1 if longest is None else max(1, int(max(height, width) / (GAP * longest)))


@final
class BlockMeans:
    """The means of all blocks of `by` × `by` pixels of a picture of which parts come in any order.

    Blocks at the lower and the right border may be smaller. Numbers keep their type: means of integers are rounded,
    those of truth values are shares. Parts that never come are zeros.
    """

    def __init__(self, height: int, width: int, channels: int, by: int) -> None:
        self.height, self.width, self.channels, self.by = height, width, channels, by
        self._sums: NDArray[Any] | None = None
        self._type = np.dtype(np.float64)
        self.greatest: float | None = None

    def add(self, part: Pixels, row: int, column: int, channel: int = 0) -> None:
        """Pixels whose upper left one lies at (row, column); what hangs over the borders is left out."""
        part = part[: self.height - row, : self.width - column]
        if not part.size:
            return
        if self._sums is None:
            self._type, shape = part.dtype, (-(-self.height // self.by), -(-self.width // self.by), self.channels)
            self._sums = np.zeros(shape, _wide_enough(part.dtype, self.by))
        self.greatest = max(float(part.max()), -np.inf if self.greatest is None else self.greatest)
        rows, first_row = _begins(row, len(part), self.by)
        columns, first_column = _begins(column, part.shape[1], self.by)
        of = self._sums.dtype
        sums = np.add.reduceat(np.add.reduceat(part, rows, axis=0, dtype=of), columns, axis=1, dtype=of)
        place = (slice(first_row, first_row + len(rows)), slice(first_column, first_column + len(columns)))
        self._sums[(*place, slice(channel, channel + part.shape[2]))] += sums

    def add_rows(self, whole: Pixels, channel: int = 0) -> None:
        """All pixels of an array, which may lie on disk."""
        step = max(1, STRIP // max(1, whole[:1].size) // self.by) * self.by
        for row in range(0, len(whole), step):
            self.add(np.asarray(whole[row : row + step]), row, 0, channel)

    def values(self) -> Pixels:
        """The picture of the means.

        Raises:
            ValueError: if no part came.
        """
        if self._sums is None:
            raise ValueError("no pixel of it is in the file")
        typed: Pixels = np.empty(self._sums.shape, np.float32 if self._type == np.bool_ else self._type)
        down, across = _lengths(self.height, self.by), _lengths(self.width, self.by)[:, None]
        for row, sums in enumerate(self._sums):  # a row at a time, so that there is no second copy of all sums
            means = sums / (down[row] * across)
            typed[row] = means.round() if self._type.kind in "ui" else means
        return typed


def reduced(values: Pixels, by: int) -> Pixels:
    """An array's means over blocks of `by` × `by` pixels, see `BlockMeans`; the array itself for 1.

    Example:
        >>> reduced(np.array([[[0], [2], [9]], [[2], [4], [9]]], np.uint8), 2)[..., 0].tolist()
        [[2, 9]]
    """
    if by == 1:
        return values
    height, width, channels = values.shape
    means = BlockMeans(height, width, channels, by)
    means.add_rows(values)
    return means.values()


def _wide_enough(of: np.dtype[Any], by: int) -> type[np.uint32 | np.float64]:
    """Numbers that hold the sum of a block: of pictures mostly half as long as floating ones."""
    short = of.kind in "bu" and of.itemsize <= 2 and by * by * (2 ** (8 * of.itemsize) - 1) < 2**32
    return np.uint32 if short else np.float64


def _begins(first: int, count: int, by: int) -> tuple[NDArray[np.intp], int]:
    """Where blocks begin among `count` pixels from `first` on, and the number of the first block."""
    block = first // by
    return np.maximum(np.arange(block * by, first + count, by) - first, 0), block


def _lengths(count: int, by: int) -> Float[np.ndarray, " blocks"]:
    """How many of `count` pixels are in each block."""
    return np.minimum(by, count - np.arange(0, count, by)).astype(np.float64)

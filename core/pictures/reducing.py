"""Pictures that are read smaller than they are, a part at a time, so that memory holds what is wanted and no more."""

from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from .pixels import Pixels

GAP = 1.5
"""A picture that is to be shrunk keeps so many times the pixels a side: the last step is left to better resampling."""
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
        self.height, self.width, self.by = height, width, by
        self._sums = np.zeros((-(-height // by), -(-width // by), channels), np.float64)
        self._type: np.dtype[np.generic] | None = None
        self.greatest: float | None = None

    def add(self, part: Pixels, row: int, column: int, channel: int = 0) -> None:
        """Pixels whose upper left one lies at (row, column); what hangs over the borders is left out."""
        part = part[: self.height - row, : self.width - column]
        if not part.size:
            return
        self._type = part.dtype
        self.greatest = max(float(part.max()), -np.inf if self.greatest is None else self.greatest)
        rows, first_row = _begins(row, len(part), self.by)
        columns, first_column = _begins(column, part.shape[1], self.by)
        sums = np.add.reduceat(np.add.reduceat(part.astype(np.float64), rows, axis=0), columns, axis=1)
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
        if self._type is None:
            raise ValueError("no pixel of it is in the file")
        number = _lengths(self.height, self.by)[:, None, None] * _lengths(self.width, self.by)[:, None]
        means = self._sums / number
        if self._type.kind in "ui":
            means = means.round()
        typed: Pixels = means.astype(np.float32 if self._type == np.bool_ else self._type)
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


def _begins(first: int, count: int, by: int) -> tuple[NDArray[np.intp], int]:
    """Where blocks begin among `count` pixels from `first` on, and the number of the first block."""
    block = first // by
    return np.maximum(np.arange(block * by, first + count, by) - first, 0), block


def _lengths(count: int, by: int) -> Float[np.ndarray, " blocks"]:
    """How many of `count` pixels are in each block."""
    return np.minimum(by, count - np.arange(0, count, by)).astype(np.float64)

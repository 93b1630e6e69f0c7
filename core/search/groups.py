"""Groups of rows that pairs join, one after the other."""

from typing import final

import numpy as np
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@final
class Groups:
    """Connected components of rows that grow as pairs come: memory holds one number per row.

    Args:
        rows: how many there are.

    Example:
        >>> groups = Groups(5)
        >>> groups.join(np.array([0, 3]), np.array([1, 4]))
        >>> groups.join(np.array([1]), np.array([4]))
        >>> [members.tolist() for members in groups.found()]
        [[0, 1, 3, 4]]
    """

    def __init__(self, rows: int) -> None:
        self._label: Int[np.ndarray, " rows"] = np.arange(rows)

    def join(self, one: Int[np.ndarray, " pairs"], other: Int[np.ndarray, " pairs"]) -> None:
        """Put both rows of every pair into one group."""
        count = len(self._label)
        ends = self._label[one], self._label[other]
        joined = coo_array((np.ones(len(one), np.int8), ends), shape=(count, count))
        self._label = np.asarray(connected_components(joined, directed=False)[1])[self._label]

    def found(self) -> list[Int[np.ndarray, " members"]]:
        """The groups of two or more rows, the largest first, then by their first row."""
        order = np.argsort(self._label, kind="stable")
        _, first, counts = np.unique(self._label[order], return_index=True, return_counts=True)
        several = counts > 1
        members = [order[begin : begin + size] for begin, size in zip(first[several], counts[several], strict=True)]
        return sorted(members, key=lambda own: (-len(own), int(own[0])))

"""Places in space: the voxels in which they lie, and tiles of them."""

import numpy as np
from jaxtyping import Float, Int

BITS = 21
"""Of the number of a voxel along one axis."""


def codes_of(
    places: Float[np.ndarray, "points 3"], low: Float[np.ndarray, " 3"], edge: float
) -> Int[np.ndarray, " points"]:
    """The number of the voxel in which every point lies."""
    at = np.clip(np.floor((places - low) / edge), 0, 2**BITS - 1).astype(np.int64)
    codes: Int[np.ndarray, " points"] = (at[:, 0] << 2 * BITS) | (at[:, 1] << BITS) | at[:, 2]
    return codes


def coarser(codes: Int[np.ndarray, " voxels"]) -> Int[np.ndarray, " voxels"]:
    """The voxel of twice the edge in which every voxel lies.

    Example:
        >>> place, low = np.array([[3.0, 0, 5]]), np.zeros(3)
        >>> bool(coarser(codes_of(place, low, 1.0)) == codes_of(place, low, 2.0))
        True
    """
    one, two, three = ((codes >> shift) & (2**BITS - 1) for shift in (2 * BITS, BITS, 0))
    made: Int[np.ndarray, " voxels"] = (one >> 1 << 2 * BITS) | (two >> 1 << BITS) | three >> 1
    return made


def summed(
    codes: Int[np.ndarray, " rows"], sums: Float[np.ndarray, "rows columns"]
) -> tuple[Int[np.ndarray, " voxels"], Float[np.ndarray, "voxels columns"]]:
    """The sums over the rows of every voxel."""
    own, place = np.unique(codes, return_inverse=True)
    whole = np.zeros((len(own), sums.shape[1]))
    np.add.at(whole, place, sums)
    return own, whole


def tiles(places: Float[np.ndarray, "elements 3"], most: int) -> list[Int[np.ndarray, " _"]]:
    """Elements in tiles of at most `most`: halved across the longest side until they are as small.

    Example:
        >>> line = np.column_stack([np.arange(5.0), np.zeros(5), np.zeros(5)])
        >>> [tile.tolist() for tile in tiles(line, 2)]
        [[0, 1], [2], [3, 4]]
    """
    waiting, done = [np.arange(len(places))], list[Int[np.ndarray, " _"]]()
    while waiting:
        own = waiting.pop()
        if len(own) <= most:
            done.append(np.sort(own))
            continue
        axis = int(np.ptp(places[own], axis=0).argmax())
        order = own[np.argsort(places[own, axis], kind="stable")]
        waiting += [order[(len(own) + 1) // 2 :], order[: (len(own) + 1) // 2]]
    return done


def around_box(
    places: Float[np.ndarray, "elements 3"], own: Int[np.ndarray, " own"], most: int
) -> Int[np.ndarray, " around"]:
    """The elements outside that lie nearest to the box of some, at most so many; of equal ones the first.

    Example:
        >>> line = np.column_stack([np.arange(6.0), np.zeros(6), np.zeros(6)])
        >>> around_box(line, np.array([2, 3]), 3).tolist()
        [0, 1, 4]
    """
    low, high = places[own].min(axis=0), places[own].max(axis=0)
    apart = (np.maximum(low - places, 0) + np.maximum(places - high, 0)) ** 2
    distance = apart.sum(axis=1)
    distance[own] = np.inf
    nearest: Int[np.ndarray, " around"] = np.argsort(distance, kind="stable")[: min(most, len(places) - len(own))]
    return np.sort(nearest)


def tile_count(count: int, most: int) -> int:
    """How many tiles so many elements have."""
    return 1 if count <= most else tile_count((count + 1) // 2, most) + tile_count(count // 2, most)

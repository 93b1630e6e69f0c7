"""The cheapest of all pairs that touch merges, one after the other: a loop of plain numbers.

Which pair is the next depends on the merger before it, so that nothing can be done for all pairs at once.
"""

import heapq
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from ...components.machine_code import machine_code

MANY = 2000
"""With fewer pairs plain Python is done before numba is imported."""


def merge_each(
    sums: Float[np.ndarray, "batch elements dim"],
    size: Float[np.ndarray, "batch elements"],
    there: Bool[np.ndarray, "batch elements"],
    pairs: Sequence[Int[np.ndarray, "_ 2"]],
    ward: bool,
    most: Sequence[float],
    objects: int,
) -> Int[np.ndarray, "batch elements"]:
    """For every element of every item the first element of its region; see `merged_neighbours`.

    Example:
        >>> sums, size = np.array([[[0.0], [0.1], [5.0]]]), np.ones((1, 3))
        >>> merge_each(sums, size, size > 0, [np.array([[0, 1], [1, 2]])], True, [1.0], 3).tolist()
        [[0, 0, 2]]
    """
    run = machine_code(_run) if sum(map(len, pairs)) >= MANY else _run
    region = np.empty(size.shape, np.int64)
    for row, own in enumerate(pairs):
        touching = np.ascontiguousarray(own[there[row][own].all(axis=1)].T)
        merged = (sums[row].copy(), size[row].copy())
        region[row] = run(*merged, there[row], touching, ward, float(most[row]), objects)
        _join_apart(*merged, there[row], region[row], ward, objects)
    while True:  # regions merge into ones of smaller numbers
        further = np.take_along_axis(region, region, axis=1)
        if (further == region).all():
            return region
        region = further


def _run(
    sums: Float[np.ndarray, "elements dim"],
    size: Float[np.ndarray, " elements"],
    there: Bool[np.ndarray, " elements"],
    pairs: Int[np.ndarray, "2 pairs"],
    ward: bool,
    most: float,
    objects: int,
) -> Int[np.ndarray, " elements"]:
    """Into what every element merged, itself where it is the first of its region."""
    count, left = len(size), there.sum()
    region, state, seen = np.arange(count), np.zeros(count, np.int64), np.full(count, -1)
    squared = np.zeros(count)
    for number in range(count):
        squared[number] = np.dot(sums[number], sums[number])
    one, two, fresh = pairs[0].copy(), pairs[1].copy(), pairs.shape[1]  # pairs whose price is asked for
    # What a region touches is a linked list of slots, so that two lists are joined at once.
    slots = 2 * fresh
    other, after = np.zeros(slots, np.int64), np.full(slots, -1)
    head, tail = np.full(count, -1), np.full(count, -1)
    for slot in range(slots):
        here = pairs[slot % 2, slot // 2]
        other[slot] = pairs[1 - slot % 2, slot // 2]
        if head[here] < 0:
            head[here] = slot
        else:
            after[tail[here]] = slot
        tail[here] = slot
    merged = 0
    waiting = [(0.0, 0, 0, 0, 0) for _ in range(0)]  # numba takes the types of an empty list from this
    while True:
        for place in range(fresh):
            a, b = int(min(one[place], two[place])), int(max(one[place], two[place]))
            if ward:
                between = sums[a] / size[a] - sums[b] / size[b]
                price = size[a] * size[b] / (size[a] + size[b]) * np.dot(between, between)
            else:
                along = np.dot(sums[a], sums[b])
                price = 1 - along / (max(np.sqrt(squared[a]), 1e-12) * max(np.sqrt(squared[b]), 1e-12))
            heapq.heappush(waiting, (float(price), a, b, int(state[a]), int(state[b])))
        fresh, found = 0, False
        price, a, b = 0.0, 0, 0
        while len(waiting) > 0 and not found:
            price, a, b, first, second = heapq.heappop(waiting)
            found = state[a] == first and state[b] == second  # else of a region that has grown, or is gone
        if not found or (price > most and left <= objects):
            return region
        sums[a] += sums[b]
        size[a] += size[b]
        squared[a] = np.dot(sums[a], sums[a])
        region[b] = a
        state[a], state[b] = state[a] + 1, -1
        left, merged = left - 1, merged + 1
        after[tail[a]] = head[b]
        slot, before = head[a], -1
        while slot >= 0:
            number, following = other[slot], after[slot]
            while region[number] != number:
                number = region[number]
            if number == a or seen[number] == merged:  # within, or twice
                if before < 0:
                    head[a] = following
                else:
                    after[before] = following
            else:
                seen[number], other[slot] = merged, number
                one[fresh], two[fresh] = a, number
                fresh, before = fresh + 1, slot
            slot = following
        tail[a] = before


def _join_apart(
    sums: Float[np.ndarray, "elements dim"],
    size: Float[np.ndarray, " elements"],
    there: Bool[np.ndarray, " elements"],
    region: Int[np.ndarray, " elements"],
    ward: bool,
    objects: int,
) -> None:
    """Merge the nearest of all, wherever they lie, until there are no more than that: what is left of too many.

    Every region remembers the nearest of those behind it, so that memory grows with their number.
    """
    alive = np.flatnonzero(there & (region == np.arange(len(region))))
    count = len(alive)
    if count <= objects:
        return
    sums, size, number = sums[alive], size[alive], np.arange(count)
    here, price, partner = np.ones(count, bool), np.full(count, np.inf), np.zeros(count, np.int64)

    def look(row: int) -> None:
        behind = np.where(here & (number > row), _prices(sums, size, row, ward), np.inf)
        partner[row] = behind.argmin()
        price[row] = behind[partner[row]]

    for row in range(count):
        look(row)
    for _ in range(count - objects):
        one = int(price.argmin())
        two = int(partner[one])
        sums[one] += sums[two]
        size[one] += size[two]
        region[alive[two]] = alive[one]
        here[two], price[two] = False, np.inf
        fresh = _prices(sums, size, one, ward)
        stale = here & ((partner == one) | (partner == two))
        nearer = here & ~stale & (number < one) & ((fresh < price) | ((fresh == price) & (one < partner)))
        price[nearer], partner[nearer] = fresh[nearer], one
        for row in np.flatnonzero(stale).tolist():
            look(row)


def _prices(
    sums: Float[np.ndarray, "regions dim"], size: Float[np.ndarray, " regions"], row: int, ward: bool
) -> Float[np.ndarray, " regions"]:
    """What it costs to merge one region with each, as in `_run`."""
    prices: Float[np.ndarray, " regions"]
    if ward:
        between = sums / size[:, None] - sums[row] / size[row]
        prices = size * size[row] / (size + size[row]) * np.square(between).sum(axis=1)
    else:
        lengths = np.linalg.norm(sums, axis=1).clip(1e-12)
        prices = 1 - sums @ sums[row] / (lengths * lengths[row])
    return prices

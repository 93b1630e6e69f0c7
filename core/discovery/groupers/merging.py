"""Merging of neighbours, the cheapest pair first, in time and memory that grow with the pairs that touch."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...data.feature_map import FeatureMap

Numbers = np.ndarray
Costs = Callable[[Float[np.ndarray, "rows dim"], Float[np.ndarray, " rows"], Numbers, Numbers], Numbers]
"""What it costs to merge regions, from sums and sizes of all regions and the numbers of both of each pair."""
AT_ONCE = 1024
"""On a GPU so many elements are merged with all pairs at once, for all items of a batch."""


def at_once(features: FeatureMap) -> bool:
    """Whether looking at all pairs at once is the faster way: on a GPU, for few elements."""
    return features.values.device.type != "cpu" and features.valid.shape[1] <= AT_ONCE


def touching_pairs(features: FeatureMap) -> list[Int[np.ndarray, "_ 2"]]:
    """Of every item the pairs of valid elements that are neighbours, the smaller number first.

    Raises:
        ValueError: if the features are a set without `neighbours`.

    Example:
        >>> from gestalt.core.data.feature_map import Grid
        >>> grid = Grid.uniform((2, 2), (1.0, 1.0))
        >>> features = FeatureMap(torch.zeros(1, 4, 1), torch.tensor([[True, True, True, False]]), grid)
        >>> touching_pairs(features)[0].tolist()
        [[0, 2], [0, 1]]
    """
    valid = features.valid.cpu().numpy()
    if features.neighbours is not None:
        found = [row.triu(1).nonzero().numpy() for row in features.neighbours.cpu()]
    elif features.grid is not None:
        number = np.arange(features.grid.elements).reshape(features.grid.shape)
        steps = []
        for axis in range(number.ndim):
            before, after = np.delete(number, -1, axis), np.delete(number, 0, axis)
            steps.append(np.stack([before.ravel(), after.ravel()], axis=1))
        found = [np.concatenate(steps)] * len(valid)
    else:
        raise no_neighbours()
    return [pairs[there[pairs].all(axis=1)] for pairs, there in zip(found, valid, strict=True)]


def no_neighbours() -> ValueError:
    """The refusal of a set of which nobody says what touches what."""
    return ValueError(
        "these elements are a set, and nobody says which are neighbours; let the encoder fill "
        "FeatureMap.neighbours, or take another grouper"
    )


@final
@dataclass
class _Merging:
    """Regions of one item while they merge: their sums and sizes, whom they touch, and what they became."""

    sums: Float[np.ndarray, "elements dim"]
    size: Float[np.ndarray, " elements"]
    costs: Costs
    left: int
    region: Int[np.ndarray, " elements"]
    near: dict[int, set[int]] = field(default_factory=dict)
    state: dict[int, int] = field(default_factory=dict)
    waiting: list[tuple[float, int, int, int, int]] = field(default_factory=list)

    def touch(self, pairs: Int[np.ndarray, "pairs 2"]) -> None:
        """Begin with these pairs."""
        one, two = pairs[:, 0], pairs[:, 1]
        for cost, a, b in zip(
            self.costs(self.sums, self.size, one, two).tolist(), one.tolist(), two.tolist(), strict=True
        ):
            self.near.setdefault(a, set()).add(b)
            self.near.setdefault(b, set()).add(a)
            self.waiting.append((cost, a, b, 0, 0))
        heapq.heapify(self.waiting)

    def run(self, goes: Callable[[float, int], bool]) -> None:
        """Merge the cheapest pair while it may, by its cost and the number of regions that are left."""
        while self.waiting:
            cost, one, two, first, second = heapq.heappop(self.waiting)
            if self.state.get(one, 0) != first or self.state.get(two, 0) != second:
                continue  # of a region that has grown, or is gone
            if not goes(cost, self.left):
                return
            self.join(one, two)
            near = self.near[one] = (self.near[one] | self.near.pop(two)) - {one, two}
            others = np.fromiter(near, dtype=np.int64, count=len(near))
            fresh = self.costs(self.sums, self.size, np.full_like(others, one), others)
            for number, price in zip(others.tolist(), fresh.tolist(), strict=True):
                self.near[number].discard(two)
                self.near[number].add(one)
                a, b = min(one, number), max(one, number)
                heapq.heappush(self.waiting, (price, a, b, self.state.get(a, 0), self.state.get(b, 0)))

    def join(self, one: int, two: int) -> None:
        """The second becomes part of the first."""
        self.sums[one] += self.sums[two]
        self.size[one] += self.size[two]
        self.region[two] = one
        self.state[one], self.state[two] = self.state.get(one, 0) + 1, -1
        self.left -= 1

    def join_apart(self, alive: Int[np.ndarray, " regions"], objects: int) -> None:
        """Merge the nearest, wherever they lie, until so many are left: all pairs of what is left are looked at."""
        count = len(alive)
        one, two = np.triu_indices(count, 1)
        price = np.full((count, count), np.inf)
        price[one, two] = self.costs(self.sums, self.size, alive[one], alive[two])
        gone = np.zeros(count, dtype=bool)
        while self.left > objects:
            a, b = divmod(int(price.argmin()), count)
            self.join(int(alive[a]), int(alive[b]))
            gone[b], price[b], price[:, b] = True, np.inf, np.inf
            fresh = self.costs(self.sums, self.size, np.full(count, alive[a]), alive)
            fresh[gone] = np.inf
            price[a, a + 1 :], price[:a, a] = fresh[a + 1 :], fresh[:a]


def merged_neighbours(
    sums: Float[Tensor, "batch elements dim"],
    size: Float[Tensor, "batch elements"],
    there: Bool[Tensor, "batch elements"],
    pairs: Sequence[Int[np.ndarray, "_ 2"]],
    costs: Costs,
    goes: Sequence[Callable[[float], bool]],
    objects: int,
) -> Int[Tensor, "batch elements"]:
    """For every element the first element of its region.

    Of all pairs of regions that touch, the cheapest merges, the one of the smallest numbers among equal ones, while it
    goes or there are more than `objects`; regions that do not touch merge only if there are more all the same.

    Args:
        sums: over what each element stands for.
        size: how much that is.
        there: which elements are regions.
        pairs: of every item, see `touching_pairs`.
        costs: of merging.
        goes: of every item, whether a pair of such a cost merges.
        objects: greatest number of regions.
    """
    found = []
    for row in range(len(sums)):
        own = there[row].cpu().numpy()
        item = _Merging(
            sums[row].detach().double().cpu().numpy().copy(),
            size[row].detach().double().cpu().numpy().copy(),
            costs,
            int(own.sum()),
            np.arange(len(own)),
        )
        item.touch(pairs[row][own[pairs[row]].all(axis=1)])
        merges = goes[row]
        item.run(lambda cost, left, merges=merges: merges(cost) or left > objects)  # type: ignore[misc]
        if item.left > objects:
            item.join_apart(np.flatnonzero(own & (item.region == np.arange(len(own)))), objects)
        found.append(torch.from_numpy(_roots(item.region)))
    return torch.stack(found).to(sums.device)


def _roots(region: Int[np.ndarray, " elements"]) -> Int[np.ndarray, " elements"]:
    """What every element became in the end: regions merge into ones of smaller numbers."""
    while True:
        further = region[region]
        if (further == region).all():
            return region
        region = further

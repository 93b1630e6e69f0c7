"""Vectors of labelled items and elements, gathered from features that come a few items at a time."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.own_elements import own_places
from ..data.pieces import part_of
from ..methods.targets import any_known

ItemT = TypeVar("ItemT")

Encoded = Iterable[tuple[tuple[int, ...], FeatureMap]]
"""Numbers of items with their features, on any device."""


def item_rows(
    encoded: Encoded, pool: Callable[[FeatureMap], Float[Tensor, "items dim"]]
) -> tuple[Int[Tensor, " rows"], Float[Tensor, "rows dim"]]:
    """One vector for every item that could be read, and its number."""
    numbers, rows = list[int](), list[Tensor]()
    for index, features in encoded:
        numbers += index
        rows.append(pool(features).float().cpu())
    return torch.tensor(numbers, dtype=torch.long), torch.cat(rows) if rows else torch.empty(0, 0)


def element_rows(
    encoded: Encoded, known: Callable[[int, FeatureMap], Shaped[Tensor, "elements ..."] | None], each: int, seed: int
) -> tuple[Int[Tensor, " rows"], Float[Tensor, "rows dim"], Shaped[Tensor, "rows ..."]]:
    """Vectors of up to `each` elements of every item, drawn by chance, with their items and what is known of them.

    Args:
        encoded: all items.
        known: of an item, by its number and its own features, what is known of each of its elements; None for nothing.
        each: elements of one item.
        seed: of the draws.

    Raises:
        ValueError: if no element is labelled.
    """
    owners, vectors, truth = list[Tensor](), list[Tensor](), list[Tensor]()
    for index, features in encoded:
        for row, number in enumerate(index):
            one = alone(features, row)
            said = known(number, one)
            if said is None:
                continue
            there = (any_known(said) & one.valid[0]).nonzero()[:, 0]
            chance = torch.Generator().manual_seed(seed * 1_000_003 + number)
            there = there[torch.randperm(len(there), generator=chance)[:each]].sort().values
            owners.append(torch.full((len(there),), number))
            vectors.append(one.values[0, there].float())
            truth.append(said[there])
    if not sum(map(len, owners)):
        raise ValueError("no element of any item is labelled, or lies in a mask")
    return torch.cat(owners), torch.cat(vectors), torch.cat(truth)


def alone(features: FeatureMap, row: int) -> FeatureMap:
    """One item of a batch by itself, without the padding of its batch, on the CPU."""
    places, grid = own_places(
        features.valid[row].cpu(), None if features.places is None else features.places.to("cpu"), row
    )
    return part_of(features, row, places, grid)


def drawn(numbers: Sequence[int], most: int, seed: int) -> list[int]:
    """Up to `most` of the numbers by chance, in their order; all for 0.

    Example:
        >>> drawn([4, 5, 9], 0, seed=0), len(drawn(range(100), 7, seed=0))
        ([4, 5, 9], 7)
    """
    if not most or len(numbers) <= most:
        return list(numbers)
    chosen = np.random.default_rng(seed).choice(np.asarray(numbers), most, replace=False)
    return sorted(int(number) for number in chosen)

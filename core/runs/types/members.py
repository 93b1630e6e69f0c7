"""All objects of a data set: which item each is of, how large it is, and its type."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...data.feature_map import FeatureMap
from ...discovery.found import FoundBatch
from ...modality.base import AbstractModality
from ...modality.optional import ReducesElements
from ...networks.levels import Level
from .vector_file import VectorFile

Batches = Callable[[], Iterable[FoundBatch[Any]]]
"""Gives all items anew at every call, with the same objects."""


@final
@dataclass(frozen=True)
class Members:
    """All objects in the order of their items, some thirty bytes each.

    Attributes:
        items: the number of the item of every object in its data set.
        numbers: its number in the whole that the item is a window of; in the item, where it is none.
        sizes: its elements, the sum of their weights.
        types: its type, −1 for none.
        distances: to the centre of its type, NaN for none.
    """

    items: Int[Tensor, " objects"]
    numbers: Int[Tensor, " objects"]
    sizes: Float[Tensor, " objects"]
    types: Int[Tensor, " objects"]
    distances: Float[Tensor, " objects"]

    def __len__(self) -> int:
        return len(self.items)

    def of_type(self, number: int) -> Int[Tensor, " members"]:
        """The members of a type, the one nearest to its centre first."""
        own = (self.types == number).nonzero()[:, 0]
        return own[self.distances[own].argsort(stable=True)]


@final
@dataclass(frozen=True)
class FoundObjects:
    """The objects of a batch that are there: the row of the item of each, its place among the batch's, its vector."""

    rows: Int[Tensor, " objects"]
    places: Int[Tensor, " objects"]
    vectors: Float[Tensor, "objects dim"]
    sizes: Float[Tensor, " objects"]
    numbers: Int[Tensor, " objects"]


def reduced_batch(found: FoundBatch[Any], modality: AbstractModality[Any]) -> FoundBatch[Any]:
    """On the elements on which the modality writes objects."""
    return modality.reduced(found) if isinstance(modality, ReducesElements) else found


def objects_of(found: FoundBatch[Any], level: Level) -> FoundObjects:
    """The objects of a batch; their vectors are means over their elements, of one level of the encoder."""
    features: FeatureMap = level.of(found.features)
    pooled = found.segmentation.pool(features)
    rows, places = pooled.present.nonzero(as_tuple=True)
    sizes = (found.segmentation.weights.float() * features.valid[:, None]).sum(dim=2)
    numbers = found.object_numbers()[rows, places]
    return FoundObjects(rows, places, pooled.vectors[rows, places].float(), sizes[rows, places], numbers)


def collected(
    batches: Iterable[FoundBatch[Any]], modality: AbstractModality[Any], level: Level, file: VectorFile
) -> Members:
    """All objects, yet without types; their vectors go to a file."""
    items, numbers, sizes = list[Tensor](), list[Tensor](), list[Tensor]()
    for batch in batches:
        found = objects_of(reduced_batch(batch, modality), level)
        items.append(torch.tensor(batch.index)[found.rows])
        numbers.append(found.numbers)
        sizes.append(found.sizes)
        file.add(found.vectors)
    none = torch.empty(0, dtype=torch.long)
    item = torch.cat([none, *items])
    nothing = torch.full((len(item),), torch.nan)
    size = torch.cat([torch.empty(0), *sizes])
    return Members(item, torch.cat([none, *numbers]), size, torch.full_like(item, -1), nothing)


def sample_of(items: Int[Tensor, " objects"], most: int, seed: int) -> Int[Tensor, " sample"]:
    """Objects of items that are drawn by chance, all of an item, until there are `most`."""
    if len(items) <= most:
        return torch.arange(len(items))
    chance = torch.Generator().manual_seed(seed)
    kinds, place, counts = items.unique(return_inverse=True, return_counts=True)
    order = torch.randperm(len(kinds), generator=chance)
    chosen = order[: max(1, int((counts[order].cumsum(0) <= most).sum()))]
    return torch.isin(place, chosen).nonzero()[:, 0][:most]


def checked(found: Sequence[tuple[int, int]], expected: Sequence[tuple[int, int]], item: str) -> None:
    """Refuse data that changed while they were read; an object is said by its item and its number there.

    Raises:
        RuntimeError: if an item has other objects than before.
    """
    if list(found) != list(expected):
        raise RuntimeError(
            f"{item} has other objects than when it was read first: the data changed meanwhile; run again when they "
            "stay as they are"
        )

"""All objects once more, with their types: on their way to the table, the page, and the modality's files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from ...data.items import AbstractItems, Skipped
from ...discovery.found import FoundBatch, Named
from ...modality.base import AbstractModality
from ...networks.levels import Level
from ..write_found import write_found
from .members import FoundObjects, Members, checked, objects_of, reduced_batch

Seen = tuple[FoundBatch[Any], FoundObjects, int]
"""A batch, its objects, and the number of the first of them."""


def seen_again(
    batches: Iterable[FoundBatch[Any]],
    modality: AbstractModality[Any],
    members: Members,
    level: Level,
    items: AbstractItems[Any],
) -> Iterator[Seen]:
    """All items once more.

    Raises:
        RuntimeError: if an item has other objects than before.
    """
    first = 0
    for batch in batches:
        found = objects_of(reduced_batch(batch, modality), level)
        part = slice(first, first + len(found.rows))
        expected = list(zip(members.items[part].tolist(), members.numbers[part].tolist(), strict=True))
        pairs = zip(found.rows.tolist(), found.numbers.tolist(), strict=True)
        checked([(batch.index[row], number) for row, number in pairs], expected, items.name(batch.index[0]))
        yield batch, found, first
        first = part.stop
    if first != len(members):
        checked((), ((first, 0),), "the end of the data")


def named_batch(
    batch: FoundBatch[Any], objects: FoundObjects, labels: Int[Tensor, " objects"], names: Sequence[str]
) -> FoundBatch[Any]:
    """A batch whose objects are called after their types, as those that a model names are.

    So what a border between two windows cuts is joined where both halves are of one type. Objects without a label are
    in no object.

    Args:
        batch: the objects.
        objects: those that are there.
        labels: the number of the name of each of them, −1 for none.
        names: one at least.
    """
    own = torch.full((len(batch.index), batch.segmentation.objects), -1)
    own[objects.rows, objects.places] = labels
    numbers = torch.where(own >= 0, batch.object_numbers() * len(names) + own, -1)
    return replace(batch, numbers=numbers, named=Named(tuple(names), torch.ones(batch.features.valid.shape)))


def write_masks(
    batches: Iterable[FoundBatch[Any]],
    modality: AbstractModality[Any],
    items: AbstractItems[Any],
    out: Path,
    skipped: Sequence[Skipped] = (),
) -> str:
    """The objects in the forms of their modality, as `gestalt discover` writes them; what was written, in a line."""
    return write_found(batches, modality, items, out, "called after their types", skipped)

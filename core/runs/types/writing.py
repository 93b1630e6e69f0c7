"""All objects once more, with their types: the table, the modality's files, and the members that are shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ...data.items import AbstractItems, Skipped
from ...discovery.found import FoundBatch
from ...discovery.typed import TypedBatch
from ...modality.base import AbstractModality
from ...modality.joint.items import JointItems
from ...modality.optional import ComposesModalities
from ...modality.optional_types import WritesTypes
from ...networks.levels import Level
from ..parts_of_objects import part_of_batch, side_by_side
from ..plain_objects import write_plain_objects
from .members import FoundObjects, Members, checked, objects_of, reduced_batch

Typed = tuple[TypedBatch[Any], FoundObjects, int]
"""A batch with its types, its objects, and the number of the first of them."""


def typed(
    batches: Iterable[FoundBatch[Any]],
    modality: AbstractModality[Any],
    members: Members,
    level: Level,
    items: AbstractItems[Any],
) -> Iterator[Typed]:
    """All items once more, with the types that their objects were given.

    Raises:
        RuntimeError: if an item has other objects than before.
    """
    first = 0
    for batch in batches:
        found = objects_of(reduced_batch(batch, modality), level)
        part = slice(first, first + len(found.rows))
        expected = list(zip(members.items[part].tolist(), members.numbers[part].tolist(), strict=True))
        here = [
            (batch.index[row], number) for row, number in zip(found.rows.tolist(), found.numbers.tolist(), strict=True)
        ]
        checked(here, expected, items.name(batch.index[0]))
        types = torch.full((len(batch.index), batch.segmentation.objects), -1)
        types[found.rows, found.places] = members.types[part]
        yield TypedBatch(batch, types), found, first
        first = part.stop
    if first != len(members):
        checked((), ((first, 0),), "the end of the data")


def labelled(batches: Iterable[TypedBatch[Any]], labels: Int[Tensor, " types"]) -> Iterator[TypedBatch[Any]]:
    """Types as the numbers of their labels, −1 for those without."""
    of_types = torch.cat([labels, torch.tensor([-1])])  # the last one is that of no type
    for batch in batches:
        yield TypedBatch(batch.found, of_types[batch.types])


def write_masks(
    batches: Iterable[TypedBatch[Any]],
    modality: AbstractModality[Any],
    items: AbstractItems[Any],
    names: Sequence[str],
    out: Path,
    skipped: Sequence[Skipped] = (),
) -> str:
    """The objects with the names of their types, in the forms of their modality; what was written, in a line.

    Items with parts have a folder for every part.
    """
    if isinstance(modality, WritesTypes):
        return modality.write_types(batches, items, names, out)
    if isinstance(modality, ComposesModalities) and isinstance(items, JointItems):
        writers = [_Part(name, one, items, names, out / name) for name, one in modality.modalities.items()]
        return "; ".join(side_by_side(batches, [one.writer() for one in writers]))
    found = (batch.by_type() for batch in batches)
    return write_plain_objects(found, modality, items, out, f"objects are numbered as {_numbered(names)}", skipped)


@final
@dataclass(frozen=True)
class _Part:
    """Writes one part of joint items."""

    name: str
    modality: AbstractModality[Any]
    items: JointItems
    names: Sequence[str]
    out: Path

    def writer(self) -> Callable[[Iterator[TypedBatch[Any]]], str]:
        self.out.mkdir(parents=True)

        def write(batches: Iterator[TypedBatch[Any]]) -> str:
            own = (one for batch in batches for one in _part_of(batch, self.name, self.items))
            return write_masks(own, self.modality, self.items.parts[self.name], self.names, self.out)

        return write


def _part_of(batch: TypedBatch[Any], name: str, items: JointItems) -> Iterator[TypedBatch[Any]]:
    """One part of a batch, item by item, for the items that have it."""
    rows = [row for row, item in enumerate(batch.found.items) if name in item.parts]
    for row, found in zip(rows, part_of_batch(batch.found, name, items), strict=True):
        yield TypedBatch(found, batch.types[row : row + 1])


def _numbered(names: Sequence[str]) -> str:
    numbered: Mapping[int, str] = dict(enumerate(names))
    return ", ".join(f"{number} ({name})" for number, name in numbered.items())

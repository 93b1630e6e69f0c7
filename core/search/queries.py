"""What is searched for: items, objects of them, or parts of joint items, with their vectors."""

import json
import tempfile
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ..data.items import Skipped, record_of
from ..modality.base import AbstractModality, Reading
from ..modality.joint.item import JointItem
from ..modality.joint.items import JointItems
from ..modality.optional import ComposesModalities, ReadsColumn
from ..modality.some_items import some_items
from ..runs.spaces import Space
from ..storage.atomic import write_text
from .again import with_missing
from .asked import ALL, Asked
from .drawn import Drawn
from .encodes import Encodes
from .entries import ITEM, OBJECT, PART, Entry, entries_of
from .units import Task, tasks_of

COLUMN = "query"


@final
@dataclass(frozen=True)
class Query:
    """One thing that is searched for.

    Attributes:
        entry: what it is.
        path: its absolute file, as the system has it; None for a text.
        whole, item: of its file, as an index numbers them.
        vector: of length 1.
        shown: the item itself.
    """

    entry: Entry
    path: bytes | None
    whole: int
    item: int
    vector: Float[Tensor, " dim"]
    shown: Any

    @property
    def drawn(self) -> Drawn:
        """The objects of its item; only the one that is asked for, where it is one."""
        assert self.entry.drawn is not None
        found = Drawn.unpacked(self.entry.drawn)
        return found.only(self.entry.number) if self.entry.of == OBJECT else found

    def name(self) -> str:
        """What it is called."""
        return f"{self.entry.name}, object {self.entry.number}" if self.entry.of == OBJECT else self.entry.name


def queries_of(
    model: Encodes, space: Space, asked: Sequence[Asked], skipped: list[Skipped] | None = None
) -> Iterator[Query]:
    """The items of every query, one after the other; a file may hold several.

    Raises:
        BadItemError: for a file that cannot be read, where `skipped` is None.
        ValueError: if a query has no such object or part.
    """
    for one in asked:
        count, numbers = 0, set[int]()
        if not one.path.exists() and one.text is None:
            raise FileNotFoundError(f"{one.path} does not exist")
        with tempfile.TemporaryDirectory() as folder:
            for query in _of_one(model, space, one, Path(folder), skipped, numbers):
                count += 1
                yield query
        if not count:
            raise ValueError(_nothing(model, one, numbers))


def _of_one(
    model: Encodes, space: Space, one: Asked, folder: Path, skipped: list[Skipped] | None, numbers: set[int]
) -> Iterator[Query]:
    if one.text is None:
        reading = with_missing(model.modality).read([one.path], skipped is not None)
    else:
        reading = _of_text(model.modality, one.text, one.part, folder)
    if skipped is not None:
        skipped.extend(reading.skipped)
    tasks, _ = tasks_of(reading.items, {})
    place = {index: (task, task.begin + number) for task in tasks for number, index in enumerate(task.numbers)}
    wanted = {index for index in place if one.record is None or one.is_record(record_of(reading.items, index))}
    # Windows of one whole are seen together, as in an index.
    shares = [index for task in tasks if not wanted.isdisjoint(task.numbers) for index in task.numbers]
    for part in model.encoded(some_items(reading.items, shares), skipped) if shares else ():
        batch = replace(part, index=tuple(shares[number] for number in part.index))
        entries, vectors = entries_of(model, space, batch, reading.items)
        shown = dict(zip(batch.index, batch.items, strict=True))
        drawn = {entry.index: entry.drawn for entry in entries if entry.of == ITEM}
        numbers |= {entry.number for entry in entries if entry.of == OBJECT and entry.index in wanted}
        for entry, vector in zip(entries, vectors, strict=True):
            if entry.index in wanted and _is_asked(entry, one):
                entry = _as_asked(entry, one, shown[entry.index], drawn[entry.index])
                task, item = place[entry.index]
                yield Query(entry, _path(one, task), task.begin, item, torch.from_numpy(vector), shown[entry.index])


def _is_asked(entry: Entry, one: Asked) -> bool:
    if one.object is not None:
        return entry.of == OBJECT and one.object in (ALL, entry.number)
    return entry.of == (ITEM if one.part is None or one.text is not None else f"{PART}{one.part}")


def _as_asked(entry: Entry, one: Asked, shown: Any, drawn: bytes | None) -> Entry:
    """The entry as a query: with its picture, a text by itself, and an item of one part as that part."""
    of = entry.of
    if of == ITEM and isinstance(shown, JointItem) and len(shown.parts) == 1:
        of = f"{PART}{next(iter(shown.parts))}"
    record, name = (entry.record, entry.name) if one.text is None else ("", one.text)
    return replace(entry, of=of, drawn=drawn, record=record, name=name)


def _path(one: Asked, task: Task) -> bytes | None:
    return None if one.text is not None else task.file.path


def _of_text(modality: AbstractModality[Any], text: str, part: str | None, folder: Path) -> Reading[Any]:
    """A text as the item that it stands for: a caption, a SMILES; of joint items as the part that it can be."""
    if not isinstance(modality, ComposesModalities):
        return _column(modality, text, folder)
    names = [name for name, one in modality.modalities.items() if isinstance(one, ReadsColumn) and part in (None, name)]
    problem: Exception = ValueError(f"no part of {modality.name} is a text{'' if part is None else f' named {part}'}")
    for name in names:
        try:
            reading = _column(modality.modalities[name], text, folder)
        except ValueError as error:
            problem = error
            continue
        rows = [(number,) for number in range(len(reading.items))]
        return Reading(JointItems({name: reading.items}, rows, [text] * len(rows)), reading.skipped)
    raise problem


def _column(modality: AbstractModality[Any], text: str, folder: Path) -> Reading[Any]:
    """A text as the only cell of a table, which is the form in which modalities read what is given in writing.

    Raises:
        ValueError: if the modality reads no texts.
    """
    if not isinstance(modality, ReadsColumn):
        raise ValueError(f"items of {modality.name} are no texts: search by a file")
    path = folder / "query.jsonl"
    write_text(path, json.dumps({COLUMN: text}) + "\n")
    return modality.of_column(COLUMN).read([path])


def _nothing(model: Encodes, one: Asked, numbers: Set[int]) -> str:
    name = str(one.path) if one.text is None else f"the text {one.text!r}"
    if one.record is not None:
        name += f" [{one.record}]"
    if one.object is not None:
        if model.finder is None:
            return f"{name} has no objects: this run does not say how they are found"
        there = f"; there are {', '.join(map(str, sorted(numbers)))}" if numbers else ""
        return f"{name} has no {'objects' if one.object == ALL else f'object {one.object}'}{there}"
    if one.part is not None:
        parts = model.modality.modalities if isinstance(model.modality, ComposesModalities) else {}
        return f"{name} has no part {one.part!r}; parts of this run are {', '.join(parts) or 'none'}"
    return f"{name} holds no item that can be read"

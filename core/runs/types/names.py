"""Names that a user gave to types, and members that are wrong: `names.csv`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ...data.items import AbstractItems, BadItemError, file_of, record_of
from ...shards.files import is_file
from ...storage.csv_file import meant
from ...storage.plain_names import plain
from ...tables.rows import Row, table_of
from .members import Members
from .object_types import ObjectTypes

COLUMNS = ("types", "type", "name", "file", "record", "object")
"""Of `names.csv`: a row names a type, or with a file, marks a wrong member: the number of the object in that record."""

Place = tuple[str, str, int]
"""Of an object: its file, the record in it, and its number there."""


@final
@dataclass(frozen=True)
class Names:
    """What types are called, by their numbers from 0, and which objects are no members."""

    names: Mapping[int, str] = field(default_factory=dict)
    wrong: frozenset[Place] = frozenset()

    @property
    def labels(self) -> tuple[str, ...]:
        """Every name once, in the order of the types."""
        return tuple(dict.fromkeys(self.names[number] for number in sorted(self.names)))

    def label_of_types(self, count: int) -> Int[Tensor, " types"]:
        """The number of the name of every type, −1 for those without."""
        labels = self.labels
        return torch.tensor(
            [labels.index(self.names[number]) if number in self.names else -1 for number in range(count)]
        )


def read_names(path: Path, types: ObjectTypes) -> Names:
    """The names in a table, as the page of types saves it.

    Raises:
        ValueError: if it is no such table, was made for other types, or names none.
        OSError: if it cannot be read.
    """
    if not is_file(path):
        raise FileNotFoundError(f"{path} does not exist; save names.csv from types.html")
    try:
        layout, found = table_of(path)
        rows = list(found)
    except BadItemError as error:
        raise ValueError(f"{error}; save it again from types.html, or from a spreadsheet as CSV in UTF-8") from error
    try:
        places = {name: layout.column(name) for name in COLUMNS}
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error
    missing = [name for name in ("type", "name") if places[name] is None]
    if missing:
        raise ValueError(
            f"{path} has the columns {layout.listed}, and none called {' or '.join(missing)}; save names.csv "
            f"from types.html, or write a table with the columns {', '.join(COLUMNS)}"
        )
    names, wrong = dict[int, str](), set[Place]()
    for row in rows:
        source = f"{path}:{row.line}"
        cells = _cells(row, places, source)
        if cells["types"] not in ("", types.digest):
            raise ValueError(
                f"{source}: these names were given to other types ({cells['types']}, and those are {types.digest}); "
                "name the folder of the page that they were given on by --like"
            )
        number = _number(cells["type"], types.count, source)
        if cells["file"]:
            wrong.add(
                (plain(cells["file"]), cells["record"], _whole(cells["object"], "the number of an object", source))
            )
        elif cells["name"]:
            if names.get(number, cells["name"]) != cells["name"]:
                raise ValueError(f"{source}: type {number + 1} has two names, {names[number]!r} and {cells['name']!r}")
            names[number] = cells["name"]
    if not names:
        raise ValueError(f"{path} names no type; type a name into a field of types.html, and save again")
    return Names(names, frozenset(wrong))


def _cells(row: Row, places: Mapping[str, int | None], source: str) -> dict[str, str]:
    if row.problem:
        raise ValueError(f"{source} {row.problem}; correct the line")
    cells = {name: "" if place is None else meant(row.cells[place]) for name, place in places.items()}
    return {name: " ".join(cell.split()) if name != "file" else cell.strip() for name, cell in cells.items()}


def _number(text: str, count: int, source: str) -> int:
    number = _whole(text.removeprefix("type").strip(), "the number of a type", source)
    if not 1 <= number <= count:
        raise ValueError(f"{source}: there is no type {number}, there are {count}, numbered from 1")
    return number - 1


def _whole(text: str, what: str, source: str) -> int:
    """A number as programs write it that take all numbers for fractions: `3.0`, but not `3.000`, nor `3,000`."""
    if re.fullmatch(r"\d+[.,]\d{3}", text):
        raise ValueError(f"{source}: {text!r} may be one of thousands; write it without marks")
    try:
        return int(re.sub(r"[.,]0+$", "", text))
    except ValueError:
        raise ValueError(f"{source}: {text!r} is not {what}; save names.csv again from types.html") from None


def place_of(items: AbstractItems[Any], index: int, number: int) -> Place:
    """Where an object is, as `names.csv` says it."""
    file = file_of(items, index).encode(errors="backslashreplace").decode()
    return plain(file), " ".join(record_of(items, index).split()), number


def without_wrong(members: Members, items: AbstractItems[Any], names: Names) -> tuple[Members, int]:
    """Objects that are marked as wrong have no type; and how many marks are of none of these objects."""
    if not names.wrong:
        return members, 0
    files = {file for file, _, _ in names.wrong}
    types, met = members.types.clone(), set[Place]()
    for index in members.items.unique().tolist():
        if place_of(items, index, 0)[0] not in files:
            continue
        for row in (members.items == index).nonzero()[:, 0].tolist():
            place = place_of(items, index, int(members.numbers[row]))
            if place in names.wrong:
                types[row] = -1
                met.add(place)
    return replace(members, types=types), len(names.wrong - met)

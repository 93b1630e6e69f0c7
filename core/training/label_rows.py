"""The rows of a table of labels, and which items they name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, final

from ..data.items import AbstractItems, FromFiles, FromRecords
from ..shards.files import place_of
from ..storage.plain_names import plain, within_common_folder
from ..tables.layout import Layout
from ..tables.rows import Row
from .label_column import FILES, LINES, NAMING
from .label_names import ItemNames


@final
@dataclass(frozen=True)
class LabelRows:
    """The rows of a table of labels, which column has the labels, and a line on that where its name does not tell."""

    path: Path
    layout: Layout
    rows: tuple[Row, ...]
    column: int
    bad: int
    said: str = ""

    def texts(self, row: Row) -> str:
        """The label in a row."""
        return row.cells[self.column].strip()

    def labels(self, keys: Sequence[str]) -> dict[str, str]:
        """The labels by the keys of the rows; rows without a key are none.

        Raises:
            ValueError: if one key has two labels.
        """
        found: dict[str, str] = {}
        for row, key in zip(self.rows, keys, strict=True):
            label = self.texts(row)
            if key and found.setdefault(key, label) != label:
                raise ValueError(f"{self.path}:{row.line}: {key!r} is labelled {found[key]!r} and {label!r}; keep one")
        return found


def is_data(path: Path, items: AbstractItems[Any]) -> bool:
    """Whether the table is a file of the data."""
    if not isinstance(items, FromFiles):
        return False
    files = {items.path(index) for index in range(len(items))}
    if place_of(path) is not None:
        return path.resolve() in {file.resolve() for file in files}
    return any(path.samefile(file) for file in files if file.exists())


def matched(table: LabelRows, items: AbstractItems[Any]) -> tuple[list[str], list[str | None]]:
    """The key of every row, and for every item the key that names it.

    Raises:
        ValueError: if no row names anything, or the header names an item.
    """
    names = ItemNames(items)
    if is_data(table.path, items):
        keys = [f"{table.path.resolve()}:{row.line}" for row in table.rows]
        return keys, names.found_in(keys, str(table.path))
    nothing: tuple[list[str], list[str | None]] = [], [None] * len(items)
    keys, found = next(_ways(table, items, names), nothing)
    first = table.layout.names[0]
    if _is_row(first, table, items, names, found):
        raise ValueError(
            f"{table.path} has no header: its first line names {first!r} of the data; write one above it, such as "
            "file,label"
        )
    if not keys:
        first = table.rows[0].cells[0].strip()
        raise ValueError(
            f"{table.path} names nothing of the data: its first row names {first!r}, and the data have names such as "
            f"{names.names[0]!r}"
        )
    return keys, found


def _ways(
    table: LabelRows, items: AbstractItems[Any], names: ItemNames
) -> Iterator[tuple[list[str], list[str | None]]]:
    """The key of every row, and for every item the key that names it, by every way that names any, the surest first."""
    fields = items.fields(0) if isinstance(items, FromRecords) and len(items) else {}
    columns = [
        place
        for place, name in enumerate(table.layout.names)
        if place != table.column and (place == 0 or name.lower() in NAMING | {own.lower() for own in fields})
    ]
    if not fields:
        columns = list(dict.fromkeys([*_file_columns(table, names), *columns]))
    for place in columns:
        keys = _keys(table, place, names)
        found = names.found_in(keys, str(table.path))
        if any(key is not None for key in found):
            yield keys, found
        keys = [row.cells[place].strip() for row in table.rows]
        found = _by_field(table.layout.names[place], set(keys), items, fields)
        if any(key is not None for key in found):
            yield keys, found
    # Paths may be those of another machine, of which the folders that all of them have in common tell nothing.
    for place in columns:
        inside = within_common_folder(row.cells[place] for row in table.rows)
        keys = [inside.get(row.cells[place], "") for row in table.rows]
        found = names.found_in([key for key in keys if key], str(table.path)) if inside else []
        if any(key is not None for key in found):
            yield keys, found
    # Where files are found whatever the letters, capital or small, tables have others (a.JPG for a.jpg).
    if not names.foldable:
        return
    folded = ItemNames(items, folded=True)
    for place in columns:
        first = dict[str, str]()
        keys = [first.setdefault(key.casefold(), key) for key in _keys(table, place, names)]
        found = folded.found_in(keys, str(table.path))
        if any(key is not None for key in found):
            yield keys, found


def _file_columns(table: LabelRows, names: ItemNames) -> list[int]:
    """The columns that name files: those whose cells all end as the files of the data do, then those that say so.

    They come before the first one, which may number the rows, as files may be called, too.
    """
    suffixes = {_suffix(file) for file in names.files} - {""}
    places = [place for place in range(len(table.layout.names)) if place != table.column]
    cells = {place: [row.cells[place] for row in table.rows if row.cells[place].strip()] for place in places}
    ending = [place for place, own in cells.items() if own and all(_suffix(cell) in suffixes for cell in own)]
    return [*ending, *(place for place in places if table.layout.names[place].lower() in FILES)]


def _is_row(
    first: str, table: LabelRows, items: AbstractItems[Any], names: ItemNames, found: Sequence[str | None]
) -> bool:
    """Whether the first line is a row, not a header: its first cell names a file as rows do.

    Columns may be called like files without their suffix (`audio` of `audio.wav`): that is a row where no column is
    known to have the labels, the rows have no suffix, either, and none of them names that file.
    """
    if not first or first.lower() in NAMING:
        return False
    suffixes = {_suffix(file) for file in names.files} - {""}
    if _suffix(first) in suffixes:
        return bool(names.named_by(first) or ItemNames(items, folded=True).named_by(first))
    if not table.said or any(_suffix(row.cells[0]) in suffixes for row in table.rows):
        return False
    named = names.named_by(first)
    return len({names.files[index] for index in named}) == 1 and all(found[index] is None for index in named)


def _suffix(name: str) -> str:
    return PurePosixPath(plain(name)).suffix.casefold()


def _keys(table: LabelRows, place: int, names: ItemNames) -> list[str]:
    """What every row names by one column; the number in a column `line` goes behind the name of the file."""
    heads = [name.lower() for name in table.layout.names]
    line = next((heads.index(name) for name in LINES if name in heads and heads.index(name) != table.column), None)
    if line is None:
        return [plain(row.cells[place]) for row in table.rows]
    files = set(names.files)
    alone = next(iter(files)) if len(files) == 1 else ""
    whose = [alone if place == line else plain(row.cells[place]) for row in table.rows]
    return [f"{file}:{row.cells[line].strip()}" if file else "" for file, row in zip(whose, table.rows, strict=True)]


def _by_field(name: str, keys: set[str], items: AbstractItems[Any], known: Mapping[str, str]) -> list[str | None]:
    """For every item the key that is what its record says in the field of that name."""
    alike = {name.lower(), *({"name", "title"} if name.lower() in ("name", "title") else ())}
    field = next((own for own in known if own.lower() in alike), None)
    if field is None or not isinstance(items, FromRecords):
        return [None] * len(items)
    said = (items.fields(index).get(field, "").strip() for index in range(len(items)))
    return [value if value and value in keys else None for value in said]

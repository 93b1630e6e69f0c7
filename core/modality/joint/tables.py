"""Joint items in the rows of a table: files by their names, or the parts themselves."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from ...data.items import AbstractItems, BadItemError, Skipped, file_of, in_one_line, record_of
from ...storage.listing import listed
from ...storage.naming import counted
from ...tables.lines import lines_of
from ...tables.rows import table_of
from ..base import AbstractModality, Reading
from ..optional import InSequence, ReadsColumn, ReadsFullResolution
from .item import JointItem
from .named_files import NamedFiles
from .places import line_in
from .rows import Rows
from .windows import axis_of

JSON = frozenset((".jsonl", ".ndjson"))
TABLES = JSON | {".csv", ".tsv"}
ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{2,4}$")
"""Of the name of a file."""
LOOKED_AT = 16
"""Rows of which columns are asked: a line of JSON may lack some."""
LONGEST = 40
"""Characters of a column's name that are said."""
FILES = "file_name"
"""What the column of files is called in data sets of the Hugging Face hub."""


def is_table(path: Path, parts: Sequence[str]) -> bool:
    """Whether a file is a table with a column for every part."""
    return column_of_parts(column_names(path), parts) is not None


def column_names(path: Path) -> tuple[str, ...]:
    """The columns of a table, in small letters; none where a file is no table."""
    if path.suffix.lower() not in TABLES or not path.is_file():
        return ()
    found = dict[str, None]()
    with suppress(BadItemError):  # what comes before a torn row says what the columns are
        for _, row in islice(_rows(path), LOOKED_AT):
            found |= dict.fromkeys(name.lower() for name in row)
    return tuple(found)


def column_of_parts(columns: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    """The column of every part: that of its name, or, of one part, `file_name`; None where a part has none.

    Example:
        >>> column_of_parts(["file_name", "text"], ["image", "text"]), column_of_parts(["caption"], ["image", "text"])
        ({'image': 'file_name', 'text': 'text'}, None)
    """
    found = {part: part for part in parts if part in columns}
    without = [part for part in parts if part not in found]
    if len(without) > 1 or (without and FILES not in columns):
        return None
    return {part: found.get(part, FILES) for part in parts}


def read_part(modality: AbstractModality[Any], paths: Sequence[Path], skip_bad: bool, full: bool) -> Reading[Any]:
    """What a modality reads, at the resolution of the files where that is asked for and it can."""
    if full and isinstance(modality, ReadsFullResolution):
        return modality.read_full(paths, skip_bad)
    return modality.read(paths, skip_bad)


def read_table(
    modalities: Mapping[str, AbstractModality[Any]],
    path: Path,
    skip_bad: bool,
    allow_missing: bool,
    full: bool = False,
    folders: Sequence[Path] = (),
) -> Reading[JointItem]:
    """The items of a table whose columns are named like the parts; see `read_joint`. Files in time are read in windows;
    those of one row begin together. `folders` are named beside it, or hold it: its files lie there, too.

    Raises:
        BadItemError: for the first row or file that cannot be used, unless `skip_bad`.
        ValueError: if no row can be used.
    """
    made = Rows(tuple(modalities), skip_bad, allow_missing)
    lines = list(_rows(path))
    rows = [(f"{path}:{line}", {name.lower(): cell for name, cell in row.items()}) for line, row in lines]
    columns = {name.lower(): name for _, row in reversed(lines) for name in row}
    named, files_of = column_of_parts(list(columns), list(modalities)), NamedFiles(path, folders)
    if named is None:
        raise ValueError(f"{path} has no column for every part: {said_of_columns(path, list(modalities))}")
    numbers, found = dict[str, list[int]](), dict[str, AbstractItems[Any]]()
    absent, read = dict[str, list[str]](), set[Path]()
    for name, modality in modalities.items():
        cells = [row.get(named[name], "").strip() for _, row in rows]
        files = [files_of.find(cell) for cell in cells]
        if name_files(cells, files, isinstance(modality, ReadsColumn)):
            there = [file for file in dict.fromkeys(files) if file is not None]
            read.update(there)
            found[name] = made.note(read_part(modality, there, skip_bad or allow_missing, full))
            numbers[name] = by_file(found[name], files)
            absent[name] = ["" if file else cell for cell, file in zip(cells, files, strict=True)]
        elif isinstance(modality, ReadsColumn):
            column = columns[named[name]]
            others = {cell.strip() for _, row in rows for key, cell in row.items() if key != named[name]}
            refuse_names([cell for cell in cells if cell.rpartition(" ")[2] not in others], column, path)
            found[name] = made.note(modality.of_column(column).read([path], skip_bad or allow_missing))
            numbers[name], longer = by_line(found[name], [line for line, _ in lines], path)
            made.read_at_begin(name, found[name], longer)
        else:
            example = next((cell for cell in cells if cell), "")
            raise ValueError(
                f"{path}: column {named[name]!r} must name files of {modality.name}, relative to the table or to a "
                f"folder that is named behind it, and {example!r} is none"
            )
    made.remarks += _unnamed(path, folders, read)
    axis = axis_of(found)
    for place, (source, _) in enumerate(rows):
        row = {name: numbers[name][place] for name in modalities}
        counts = {name: _windows(found[name], number) for name, number in row.items() if name in axis and number >= 0}
        count = min(counts.values(), default=1)
        made.damaged += [
            Skipped(source, f"the last {more - count} windows of its {name} are left out, where another part has none")
            for name, more in counts.items()
            if more > count
        ]
        for window in range(count):
            called = source if count == 1 else f"{source} [window {window + 1}]"
            own = [number + window if name in counts else number for name, number in row.items()]
            made.add(called, own, f" that can be used{_not_there(absent, place)}; correct the row")
    return made.reading(found, str(path))


def name_files(cells: Sequence[str], files: Sequence[Path | None], may_hold: bool) -> bool:
    """Whether the cells of a column name files. Where they may also hold a part itself, most of them must: a caption
    may happen to be what a file or a folder is called.

    Args:
        cells: of the column.
        files: what each names.
        may_hold: whether its modality reads columns.
    """
    if not may_hold:
        return any(files)
    there = [cell for cell, file in zip(cells, files, strict=True) if file is not None and file.is_file()]
    endings = {ending_of(cell) for cell in there} - {""}
    if 2 * len(there) > sum(map(bool, cells)):
        return True
    return bool(endings) and all(ending_of(cell) in endings for cell in cells if cell)  # of which most are not there


def ending_of(cell: str) -> str:
    """The ending of what may be the name of a file, in small letters; nothing for other texts.

    Example:
        >>> ending_of("texts/dawn 1.TXT"), ending_of("At dawn."), ending_of("CCO.Cl"), ending_of("1.500")
        ('.txt', '', '', '')
    """
    found = ENDING.search(cell)
    return found[0].lower() if found else ""


def refuse_names(cells: Sequence[str], column: str, path: Path) -> None:
    """Refuse cells that are taken for parts themselves, and are likely names of files that are not there.

    Cells that end in what another column holds speak of that: "a boat, in a.png".

    Raises:
        ValueError: if all of several have the same ending, in small letters: molecules end with capital ones.
    """
    own = [cell for cell in cells if cell]
    endings = {ending_of(cell) for cell in own if cell.endswith(ending_of(cell))} - {""}
    if len(own) > 1 and len(endings) == 1 and all(map(ending_of, own)):
        raise ValueError(
            f"{path}: the column {column!r} names files, such as {own[0]!r}, and none of them is there; names are "
            "relative to the table or to a folder that is named behind it"
        )


def said_of_columns(path: Path, parts: Sequence[str]) -> str:
    """What columns a table has, and which it should have, for people."""
    names = column_names(path)
    said = [in_one_line(name[:LONGEST]) for name in names[:LOOKED_AT]] + ["…"] * (len(names) > LOOKED_AT)
    return (
        f"its columns are {', '.join(said) or 'none'}, and items with parts need one named like each of "
        f"{', '.join(parts)} ({FILES} may name the files of one part); rename its columns"
    )


def _unnamed(table: Path, folders: Sequence[Path], read: Iterable[Path]) -> list[str]:
    """How many files of the folders a table does not name."""
    known = {os.path.normpath(path) for path in (table, *read)}
    there = {os.path.normpath(path) for folder in folders for path in listed(folder).paths if path.is_file()}
    count = len(there - known)
    return [f"{counted(count, 'file')} that {table} does not name {'is' if count == 1 else 'are'} not read"][
        : bool(count)
    ]


def _not_there(absent: Mapping[str, Sequence[str]], row: int) -> str:
    """The files that a row names and that are not there."""
    names = [repr(cells[row]) for cells in absent.values() if cells[row]]
    return f" ({' and '.join(names)} is not there)" if names else ""


def _windows(items: AbstractItems[Any], first: int) -> int:
    """How many windows a file has whose first one is given."""
    assert isinstance(items, InSequence)
    return items.whole(first).stop - first


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table with the number of their line, by the names of the columns."""
    if path.suffix.lower() in JSON:
        for line in lines_of(path):
            if not line.text.strip():
                continue
            try:
                row = json.loads(line.text)
            except (ValueError, RecursionError) as error:
                raise BadItemError(f"{path}:{line.number}", f"is no JSON ({error}); correct the line") from error
            if not isinstance(row, dict):
                raise BadItemError(f"{path}:{line.number}", "is no object of JSON; write one on every line")
            yield line.number, {str(key): str(value) for key, value in row.items() if value is not None}
        return
    layout, found = table_of(path)
    for row in found:
        if row.problem:
            raise BadItemError(f"{path}:{row.line}", f"{row.problem}; correct the row")
        yield row.line, dict(zip(layout.told_apart, row.cells, strict=False))


def by_file(items: AbstractItems[Any], files: Sequence[Path | None]) -> list[int]:
    """For every file its first item, −1 where it has none."""
    first = dict[str, int]()
    for number in range(len(items)):
        first.setdefault(file_of(items, number), number)
    return [-1 if file is None else first.get(str(file), -1) for file in files]


def by_line(items: AbstractItems[Any], lines: Sequence[int], path: Path) -> tuple[list[int], list[int]]:
    """For every line of a table the first item of its record, −1 where it has none; and the first items of records that
    are longer than an item.
    """
    first, longer, file = dict[str, int](), dict[int, None](), str(path)
    for number in range(len(items)):
        if file_of(items, number) == file and first.setdefault(line_in(record_of(items, number)), number) != number:
            longer[first[line_in(record_of(items, number))]] = None
    return [first.get(str(line), -1) for line in lines], list(longer)

"""Joint items in the rows of a table: files by their names, or the parts themselves."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...data.items import AbstractItems, BadItemError, Skipped, file_of, record_of
from ...tables.lines import lines_of
from ...tables.rows import table_of
from ..base import AbstractModality, Reading
from ..optional import InSequence, ReadsColumn, ReadsFullResolution
from .item import JointItem
from .places import line_in
from .rows import Rows
from .windows import axis_of

JSON = frozenset((".jsonl", ".ndjson"))
TABLES = JSON | {".csv", ".tsv"}


def is_table(path: Path, parts: Sequence[str]) -> bool:
    """Whether a file is a table with a column for every part."""
    if path.suffix.lower() not in TABLES or not path.is_file():
        return False
    try:
        _, row = next(_rows(path), (0, {}))
    except BadItemError:
        return False
    return set(parts) <= {name.lower() for name in row}


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
) -> Reading[JointItem]:
    """The items of a table whose columns are named like the parts; see `read_joint`. Files in time are read in windows;
    those of one row begin together.

    Raises:
        BadItemError: for the first row or file that cannot be used, unless `skip_bad`.
        ValueError: if no row can be used.
    """
    made = Rows(tuple(modalities), skip_bad, allow_missing)
    lines = list(_rows(path))
    rows = [(f"{path}:{line}", {name.lower(): cell for name, cell in row.items()}) for line, row in lines]
    columns = list(dict.fromkeys(name for _, row in lines for name in row))
    numbers, found = dict[str, list[int]](), dict[str, AbstractItems[Any]]()
    for name, modality in modalities.items():
        cells = [row.get(name, "").strip() for _, row in rows]
        files = [file_beside(path, cell) for cell in cells]
        if any(files):
            named = [file for file in dict.fromkeys(files) if file is not None]
            found[name] = made.note(read_part(modality, named, skip_bad or allow_missing, full))
            numbers[name] = by_file(found[name], files)
        elif isinstance(modality, ReadsColumn):
            column = next(own for own in columns if own.lower() == name)
            found[name] = made.note(modality.of_column(column).read([path], skip_bad or allow_missing))
            numbers[name], longer = by_line(found[name], [line for line, _ in lines], path)
            made.read_at_begin(name, found[name], longer)
        else:
            example = next((cell for cell in cells if cell), "")
            raise ValueError(
                f"{path}: column {name!r} must name files of {modality.name}, relative to the table, and {example!r} "
                "is none"
            )
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
            made.add(called, own, " that can be used; correct the row")
    return made.reading(found, str(path))


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
        yield row.line, dict(zip(layout.names, row.cells, strict=False))


def file_beside(table: Path, cell: str) -> Path | None:
    """The file that a cell names; None where it names none."""
    if not cell or len(cell) > 1024 or "\n" in cell:
        return None
    try:
        path = table.parent / cell
        return path if path.is_file() or path.is_dir() else None
    except (OSError, ValueError):
        return None


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

"""The rows of a table: where each lies, and its cells; what is no row says so, and the next line is a row again."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import final

from ..data.items import BadItemError
from ..shards.files import open_file
from .blocks import suffix_of
from .layout import SEPARATOR, Layout, delimiter_of
from .lines import MARK, Line, lines_of
from .quotes import in_quotes, split_rows, well_formed
from .remarks import without_remarks

SAMPLE = 64
"""Lines that tell what stands between the cells."""
SPREADSHEETS = frozenset((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".numbers"))
PACKED = (b"PK\3\4", b"\xd0\xcf\x11\xe0")
"""How their files begin: ZIP, and what holds streams in older ones."""
CELL = 1 << 26
"""Characters of the longest cell of several lines: a quotation mark that nobody closes ends there at the latest."""
LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
MARKED = re.compile(rf"(^|[\r\n]){MARK}+")
"""A byte order mark, with the end of the line before it."""


@final
@dataclass(frozen=True)
class Row:
    """One row: its bytes in the file, the line on which it begins, and its cells; or what is the matter with it."""

    begin: int
    end: int
    line: int
    text: str
    cells: tuple[str, ...]
    problem: str = ""


def table_of(path: Path, otherwise: str | None = "") -> tuple[Layout, Iterator[Row]]:
    """The layout of a table and its rows, one in memory at a time; rows that repeat the header, or are empty, are none.

    Args:
        path: the file; `.gz` is unfolded.
        otherwise: the encoding of a file that is not in Unicode, as `lines_of` takes it.

    Raises:
        BadItemError: for a file that is no text, or has no line. Rows that are wrong say so in `problem`.
    """
    _refuse_spreadsheet(path)
    lines = lines_of(path, otherwise)
    head = list(islice(lines, SAMPLE))
    while head and not head[0].text.strip():
        head.pop(0)
    if not head:
        raise BadItemError(str(path), "holds no lines; write a header and rows, or leave it out with --skip-bad")
    head = without_remarks(head, suffix_of(path))
    delimiter = delimiter_of([line.text for line in head], suffix_of(path))
    if SEPARATOR.fullmatch(head[0].text):
        head.pop(0)
    ahead = _Ahead(chain(head, lines))
    first = next(_records(ahead, Layout(delimiter, ())), None)
    if first is None or first.problem:
        raise BadItemError(str(path), "has no header: its first line must name the columns; write one")
    layout = Layout(delimiter, tuple(cell.strip() for cell in first.cells))
    return layout, _rows(ahead, layout)


def cells_within(text: str, layout: Layout) -> Iterator[Sequence[str]]:
    r"""The cells of the rows in a part of a table, which begins and ends where rows do: the same as `table_of` gives.

    Example:
        >>> list(cells_within('1\t"wet\n2\tdry\n', Layout("\t", ("x", "note"))))
        [('1', '"wet'), ('2', 'dry')]
    """
    if MARK in text:  # where files were joined
        text = MARKED.sub(r"\1", text)
    if layout.delimiter != "\t" or '"' not in text:
        return split_rows(text, layout.delimiter)
    lines = (Line(0, 0, 0, 0, found[0]) for found in LINE.finditer(text))
    return (row.cells for row in _records(_Ahead(lines), layout))


def _refuse_spreadsheet(path: Path) -> None:
    """Refuse what spreadsheet programs write in forms of their own, by its first bytes: `.xls` may be text."""
    with open_file(path) as file:
        if not file.read(4).startswith(PACKED):
            return
    said = "is a file of a spreadsheet program"
    if path.suffix.lower() not in SPREADSHEETS:
        said = "is packed as spreadsheet programs write it, and no text"
    raise BadItemError(str(path), f"{said}; save its sheet as CSV in UTF-8")


def _rows(ahead: "_Ahead", layout: Layout) -> Iterator[Row]:
    columns = len(layout.names)
    for row in _records(ahead, layout):
        if row.problem:
            yield row
            continue
        stripped = tuple(cell.strip() for cell in row.cells)
        if not any(stripped) or stripped == layout.names:
            continue
        cells = row.cells if any(stripped[columns:]) else row.cells[:columns]
        said = "" if len(cells) == columns else f"has {len(cells)} cells, the header has {columns}"
        yield Row(row.begin, row.end, row.line, row.text, cells, said)


def _records(ahead: "_Ahead", layout: Layout) -> Iterator[Row]:
    """All rows; of a layout without names, any number of cells will do."""
    for line in ahead:
        if not line.text.strip():
            continue
        further, problem = list[Line](), ""
        if in_quotes(line.text, layout.delimiter) and layout.delimiter != " ":
            further = _cell_goes_on(line, ahead, layout)
            if not further and layout.delimiter != "\t":
                problem = "a quoted cell begins here and never ends as it should"
            ahead.skip(len(further))
        text = "".join(one.text for one in (line, *further))
        cells = () if problem else tuple(layout.cells(text))
        yield Row(line.begin, (line, *further)[-1].end, line.number, text, cells, problem)


def _cell_goes_on(line: Line, ahead: "_Ahead", layout: Layout) -> list[Line]:
    """The further lines of a row whose last cell is quoted and open; none if they make no row with it.

    Without this check, a quotation mark that nobody closes makes one cell of all rows up to the next one. Between tabs,
    where such marks are common, a line that has tabs within the cell is a row of its own.
    """
    found, size, tabs = list[Line](), len(line.text), layout.delimiter == "\t"
    if tabs and len(layout.names) == 1:
        return []
    for other in ahead.look():
        found.append(other)
        size += len(other.text)
        if not in_quotes(other.text, layout.delimiter, True):
            break
        if size > CELL or (tabs and "\t" in other.text):
            return []
    else:
        return []
    text = "".join(one.text for one in (line, *found))
    if not well_formed(text, layout.delimiter) or (tabs and "\t" in found[-1].text.rpartition('"')[0]):
        return []
    return found if not layout.names or len(layout.cells(text)) == len(layout.names) else []


@final
class _Ahead:
    """Lines of which some are looked at before their turn."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._waiting: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        """The lines in their order."""
        while True:
            line = self._waiting.popleft() if self._waiting else next(self._lines, None)
            if line is None:
                return
            yield line

    def skip(self, count: int) -> None:
        """Drop lines that were looked at."""
        for _ in range(count):
            self._waiting.popleft()

    def look(self) -> Iterator[Line]:
        """The lines to come, which stay."""
        for place in range(len(self._waiting)):
            yield self._waiting[place]
        for line in self._lines:
            self._waiting.append(line)
            yield line

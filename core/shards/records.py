"""Files of records: rows of tables, objects on lines, Parquet; of each, where records lie and what they say by name."""

import abc
import csv
import json
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int

from ..data.items import BadItemError
from ..data.reasons import reason_of
from ..storage.damage import of_system
from ..tables.layout import Layout
from ..tables.lines import lines_of, text_encoding
from ..tables.numbers import POINT
from ..tables.rows import table_of
from ..tables.writing import Writings, writings_of
from .files import at_hand, bytes_of, open_file

ADVICE = "fix it, remove it, or leave it out with --skip-bad"
TABLES, LINES, PARQUET = (".csv", ".tsv", ".tab"), (".jsonl", ".ndjson"), (".parquet", ".pq")
SUFFIXES = (*TABLES, *LINES, *PARQUET)
TEXTS = ("string", "large_string", "binary", "large_binary")
"""Types of columns of which each text is kept once."""
UNFOLDED = 1 << 31
"""Bytes of the largest row group."""
GROUPS = 4
"""Row groups of Parquet that stay in memory."""
TOLD = 256
"""Rows that tell how the numbers of a table are written."""
Fields = Mapping[str, str]
"""The cells of a record by name, as text; nothing for a missing one."""
Bad = Callable[[BadItemError], None]
"""Is told of every record that is none; it may raise."""


class AbstractRecords(abc.ABC):
    """A file of numbered records; `names` are those of its columns or fields."""

    path: Path
    names: tuple[str, ...]

    @property
    @abc.abstractmethod
    def writings(self) -> Writings:
        """How the numbers of every column are written."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abc.abstractmethod
    def line(self, number: int) -> int:
        """The line on which a record begins, from 1; of Parquet its number."""

    @abc.abstractmethod
    def fields(self, number: int) -> Fields:
        """The cells of a record by name, as text; nothing for a missing one.

        Raises:
            ValueError: for what is no record any more.
        """


@final
@dataclass(frozen=True)
class TextRecords(AbstractRecords):
    """A text file whose rows lie between bytes; `layout` is that of a table, None for an object on every line."""

    path: Path
    names: tuple[str, ...]
    layout: Layout | None
    bounds: Int[np.ndarray, "rows 2"]
    lines: Int[np.ndarray, " rows"]
    encoding: str

    @classmethod
    def of(cls, path: Path, bad: Bad, otherwise: str | None = "") -> "TextRecords":
        """One pass over a file; `bad` is told of every row that is none, and may raise.

        Args:
            path: the file.
            bad: is told.
            otherwise: the encoding of a file that is not in Unicode, as `lines_of` takes it.

        Raises:
            BadItemError: for a file that is no such text.
        """
        places, lines, names, layout = array("q"), array("q"), dict[str, None](), None
        if path.suffix.lower() in LINES:
            for line in lines_of(path, otherwise):
                if line.text.strip():
                    try:
                        names |= dict.fromkeys(_object(line.text))
                    except ValueError as error:
                        bad(BadItemError(f"{path}:{line.number}", f"{error}; {ADVICE}"))
                        continue
                    places.extend((line.begin, line.end))
                    lines.append(line.number)
        else:
            layout, rows = table_of(path, otherwise)
            twice = next((name for name in layout.names if name and layout.names.count(name) > 1), None)
            if twice is not None:
                raise BadItemError(f"{path}:1", f"has several columns {twice!r}; rename all but one, or {ADVICE}")
            names = dict.fromkeys(layout.names)
            for row in rows:
                if row.problem:
                    bad(BadItemError(f"{path}:{row.line}", f"{row.problem}; {ADVICE}"))
                    continue
                places.extend((row.begin, row.end))
                lines.append(row.line)
        bounds = np.array(places, dtype=np.int64).reshape(-1, 2)
        encoding = text_encoding(path, otherwise).name
        return cls(path, tuple(names), layout, bounds, np.array(lines, dtype=np.int64), encoding)

    @property
    def writings(self) -> Writings:
        """How the numbers of every column are written, by `TOLD` rows evenly over all."""
        return self._writings

    @cached_property
    def _writings(self) -> Writings:
        if self.layout is None or self.layout.delimiter == ",":
            return Writings(dict.fromkeys(self.names, POINT))
        rows = [self.fields(number) for number in np.unique(np.linspace(0, len(self) - 1, TOLD).astype(int)).tolist()]
        return writings_of({name: [row.get(name, "") for row in rows] for name in self.names}, self.layout.delimiter)

    def __len__(self) -> int:
        return len(self.lines)

    def line(self, number: int) -> int:
        """The line on which a row begins, from 1."""
        return int(self.lines[number])

    def fields(self, number: int) -> Fields:
        """The cells of a row by name.

        Raises:
            ValueError: for what is no row any more.
        """
        begin, end = self.bounds[number].tolist()
        with open_file(self.path) as file:
            file.seek(begin)
            text = file.read(end - begin).decode(self.encoding)
        if self.layout is None:
            return _object(text)
        return dict(zip(self.layout.names, self.layout.cells(text), strict=False))


def _object(text: str) -> dict[str, str]:
    """The fields of a JSON object as text.

    Raises:
        ValueError: for anything else.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise ValueError(f"holds {type(found).__name__}, expected an object with the cells of a row by name")
    return {str(name): cell_text(value) for name, value in found.items()}


def cell_text(value: Any) -> str:
    """A value of JSON, Parquet or Python as the text of a cell; nothing for a missing one.

    Example:
        >>> cell_text(None), cell_text(True), cell_text(2.5), cell_text(float("nan")), cell_text(date(2024, 5, 1))
        ('', 'true', '2.5', '', '2024-05-01')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if value is None or str(value) in ("nan", "NaT", "<NA>"):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    if isinstance(value, datetime | date):
        return value.isoformat()
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


@final
@dataclass
class ParquetRecords(AbstractRecords):
    """A Parquet file, of which the last few row groups stay in memory: of columns of text, each text once.

    Attributes:
        path: of the file.
        names: of its columns.
        ends: of every row group, how many rows there are up to its end.
        texts: the columns of text.
    """

    path: Path
    names: tuple[str, ...]
    ends: tuple[int, ...]
    texts: tuple[str, ...] = ()
    _kept: OrderedDict[int, Any] = field(default_factory=OrderedDict, repr=False)

    @classmethod
    def of(cls, path: Path) -> "ParquetRecords":
        """Its row groups and columns.

        Raises:
            ValueError: for what is no Parquet.
        """
        import pyarrow.parquet

        try:
            with at_hand(path) as own, pyarrow.parquet.ParquetFile(own) as file:
                schema = [(one.name, str(one.type)) for one in file.schema_arrow]
                groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
                rows, sizes = [group.num_rows for group in groups], [_size_of(group) for group in groups]
        except Exception as error:
            if of_system(error) or isinstance(error, ImportError):
                raise
            raise ValueError(f"is no Parquet ({reason_of(error)})") from error
        names = [name for name, _ in schema]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"has several columns {twice!r}; rename all but one")
        if max(sizes, default=0) > UNFOLDED:
            raise ValueError(
                f"has a row group of {max(sizes) >> 20} MiB, which is in memory as a whole; write it with smaller ones"
            )
        texts = tuple(name for name, kind in schema if kind in TEXTS)
        return cls(path, tuple(names), tuple(accumulate(rows)), texts)

    @property
    def writings(self) -> Writings:
        """Numbers are numbers, and texts have no decimal commas."""
        return Writings(dict.fromkeys(self.names, POINT))

    def __getstate__(self) -> dict[str, Any]:
        """What travels to worker processes: not what was kept for speed."""
        return {**self.__dict__, "_kept": OrderedDict()}

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def line(self, number: int) -> int:
        """The number of a row, from 1."""
        return number + 1

    def fields(self, number: int) -> Fields:
        """The cells of a row by name.

        Raises:
            ValueError: if the file cannot be read any more.
        """
        import pyarrow.parquet

        group = bisect_right(self.ends, number)
        place = number - (self.ends[group - 1] if group else 0)
        try:
            if group not in self._kept:
                with (
                    at_hand(self.path) as own,
                    pyarrow.parquet.ParquetFile(own, read_dictionary=list(self.texts)) as file,
                ):
                    self._kept[group] = file.read_row_group(group)
            self._kept.move_to_end(group)
            while len(self._kept) > GROUPS:
                self._kept.popitem(last=False)
            table = self._kept[group]
            return {name: cell_text(table.column(at)[place].as_py()) for at, name in enumerate(table.column_names)}
        except Exception as error:
            if isinstance(error, ImportError):
                raise
            raise ValueError(f"cannot be read ({reason_of(error)})") from error


def _size_of(group: Any) -> int:
    """About how many bytes a row group takes, texts of a column once."""
    # Single columns are not asked: their damage ends the process, where that of the group is an error.
    return int(max(0, group.total_byte_size) + 8 * max(0, group.num_rows) * group.num_columns)


def records_of(path: Path, bad: Bad, otherwise: str | None = "") -> AbstractRecords:
    """The records of a file.

    Args:
        path: the file.
        bad: is told of every record that is none.
        otherwise: the encoding of a text that is not in Unicode, as `lines_of` takes it.

    Raises:
        BadItemError: for a file that is none, or is damaged.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadItemError(str(path), f"is none of {', '.join(SUFFIXES)}; convert it, or leave it out with --skip-bad")
    if bytes_of(path) == 0:
        raise BadItemError(str(path), f"the file has no bytes; {ADVICE}")
    try:
        return ParquetRecords.of(path) if suffix in PARQUET else TextRecords.of(path, bad, otherwise)
    except BadItemError:
        raise
    except (ValueError, csv.Error) as error:
        raise BadItemError(str(path), f"{error}; {ADVICE}") from error

"""Tables whose rows are moments: columns of numbers with a clock, of which any stretch is read alone."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from ..data.items import BadItemError
from ..shards.files import open_file
from .blocks import suffix_of
from .clock import FEW, Clock, clock_column
from .date_order import what_comes_first
from .layout import Layout
from .lines import text_encoding
from .numbers import number_in, numeric_columns, usual_writing
from .rows import cells_within, table_of
from .writing import writings_of

ADVICE = "fix it, remove it, or leave it out with --skip-bad"
BLOCK = 1024
"""Rows that are read at once."""


@final
@dataclass(frozen=True)
class SeriesTable:
    """A table of numbers over time: its rate, its rows, its columns, and where every `BLOCK`-th row lies.

    Attributes:
        path: of the file.
        layout: what stands between its cells, and all its columns.
        names: of the columns of numbers that are read.
        rate: rows per second; of an irregular clock, moments per second to which the rows are interpolated.
        samples: rows, or such moments.
        clock: the column of time where rows are interpolated; None where they follow one another at the rate.
        places: the bytes at which blocks of rows begin, and at which the last one ends.
        times: the seconds at which they begin.
        writings: how the numbers of every column in `names` are written.
        encoding: of a file that is not in Unicode.
        told: the column of time and its unit in words; nothing where no clock was read.
        first: what comes first in dates such as 02/01/2024; nothing where there are none.
    """

    path: Path
    layout: Layout
    names: tuple[str, ...]
    rate: float
    samples: int
    clock: int | None
    places: tuple[int, ...]
    times: tuple[float, ...]
    writings: tuple[str, ...]
    encoding: str | None = None
    told: str = ""
    first: str = ""

    @classmethod
    def of(
        cls,
        path: Path,
        time: str | None = None,
        columns: Sequence[str] = (),
        rate: float | None = None,
        irregular: bool = False,
        encoding: str | None = None,
    ) -> "SeriesTable":
        """One pass over a file, which checks its clock.

        Args:
            path: the file, not compressed.
            time: the column of time; None for the likeliest by its name.
            columns: those to read; none for all that hold numbers.
            rate: rows per second, in place of a clock.
            irregular: take a clock of uneven intervals.
            encoding: of a file that is not in Unicode.

        Raises:
            BadItemError: for a row that is none, and a clock that stands still, goes back or is uneven, with its line.
            ValueError: for a table without such columns, or without a clock where no rate is said.
        """
        if suffix_of(path) != path.suffix.lower():
            raise ValueError("is compressed, and series are read from any place in them; unpack it")
        layout, rows = table_of(path, encoding)
        if all(number_in(cell, usual_writing(layout.delimiter)) is not None for cell in layout.names):
            raise ValueError("has no header: its first line holds numbers; write the names of the columns above them")
        column = None if rate is not None else clock_column(layout.names, time)
        if column is None and rate is None:
            listed = ", ".join(map(repr, layout.names[:8]))
            raise ValueError(
                f"has no column of time among {listed}; name it (time=…), or say the rows per second (rate=…)"
            )
        first = ""
        if column is not None:
            again = (row.cells for row in table_of(path, encoding)[1] if not row.problem)
            first = what_comes_first((_moment(cells[column], layout) for cells in again), irregular)
        places, times, early = array("q"), array("d"), list[tuple[str, ...]]()
        clock, count, end = Clock(irregular, "" if column is None else layout.names[column], first), 0, 0
        for row in rows:
            try:
                if row.problem:
                    raise ValueError(row.problem)
                second = 0.0 if column is None else clock.tick(_moment(row.cells[column], layout), f"line {row.line}")
            except ValueError as error:
                raise BadItemError(f"{path}:{row.line}", f"{error}; {ADVICE}") from error
            if count % BLOCK == 0:
                places.append(row.begin)
                times.append(second)
            if len(early) < FEW:
                early.append(row.cells)
            count, end = count + 1, row.end
        moments = [row[column] for row in early if column is not None and column < len(row)]
        own = clock.rate(moments) if rate is None else rate
        if column is not None and irregular:
            count = int(clock.last * own + 1e-6) + 1
        told = writings_of(
            {str(place): [row[place] for row in early if place < len(row)] for place in range(len(layout.names))},
            layout.delimiter,
        )
        writings = [told.of[str(place)] for place in range(len(layout.names))]
        names = _chosen(layout, early, clock_column(layout.names, time), columns, writings)
        kept = column if irregular else None
        written = tuple(writings[layout.names.index(name)] for name in names)
        said = "" if column is None else f"{layout.names[column]!r}, in {clock.unit}"
        return cls(path, layout, names, own, count, kept, (*places, end), tuple(times), written, encoding, said, first)

    def others(self, time: str | None = None) -> tuple[str, ...]:
        """The columns that are not read, but for that of time."""
        clock = clock_column(self.layout.names, time)
        return tuple(
            name for place, name in enumerate(self.layout.names) if name and name not in self.names and place != clock
        )

    def read(self, first: int, count: int) -> Float[np.ndarray, "rows columns"]:
        """Rows `first` … `first + count`, or as many as there are; NaN where a number is missing.

        Raises:
            BadItemError: for a cell that is no number, with its row.
        """
        low, high = self._blocks(first, count)
        with open_file(self.path) as file:
            file.seek(self.places[low])
            content = file.read(self.places[high] - self.places[low])
        rows = [
            row
            for row in cells_within(content.decode(text_encoding(self.path, self.encoding).name), self.layout)
            if any(map(str.strip, row)) and tuple(map(str.strip, row)) != self.layout.names
        ]
        values = np.full((len(rows), len(self.names)), np.nan)
        for number, name in enumerate(self.names):
            column = self.layout.names.index(name)
            for place, row in enumerate(rows):
                value = number_in(row[column], self.writings[number]) if column < len(row) else None
                if value is None:
                    where = f"{self.path}, row {low * BLOCK + place + 1}"
                    said = repr(row[column]) if column < len(row) else "what is not there"
                    raise BadItemError(where, f"{said} in the column {name!r} is no number; {ADVICE}")
                values[place, number] = value
        if self.clock is None:
            return values[first - low * BLOCK :][:count]
        clock = Clock(irregular=True, name=self.layout.names[self.clock], first=self.first)
        times = self.times[low] + np.array([clock.tick(_moment(row[self.clock], self.layout), "") for row in rows])
        wanted = (first + np.arange(max(0, min(count, self.samples - first)))) / self.rate
        return np.stack([np.interp(wanted, times, one) for one in values.T], axis=1)

    def _blocks(self, first: int, count: int) -> tuple[int, int]:
        """Which blocks hold a stretch, the last excluded."""
        last = len(self.places) - 1
        if self.clock is None:
            return min(first // BLOCK, last - 1), min((first + count - 1) // BLOCK + 1, last)
        begin, end = first / self.rate, (first + count) / self.rate
        return max(0, bisect_right(self.times, begin) - 1), min(bisect_right(self.times, end) + 1, last)


def _moment(cell: str, layout: Layout) -> float | str:
    """A number of a clock, which may have a decimal comma, or the cell as it is."""
    number = number_in(cell, usual_writing(layout.delimiter))
    return cell if number is None or math.isnan(number) else number


def _chosen(
    layout: Layout, rows: Sequence[Sequence[str]], clock: int | None, columns: Sequence[str], writings: Sequence[str]
) -> tuple[str, ...]:
    missing = [name for name in columns if name not in layout.names]
    if missing:
        raise ValueError(f"has no column {missing[0]!r}, it has {', '.join(map(repr, layout.names))}; name others")
    found = numeric_columns(layout, rows, writings)
    names = tuple(columns) or tuple(layout.names[place] for place in found if place != clock and layout.names[place])
    twice = next((name for name in names if layout.names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"has several columns {twice!r}; rename all but one")
    return names

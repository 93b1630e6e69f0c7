"""What stands between the cells of a table, and what its columns are called."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import final

from .quotes import split_cells, split_rows, unquoted, well_formed

SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""The first line by which spreadsheets say what stands between the cells."""

LONGEST = 400
"""Letters of the names of columns that a message repeats."""
NONE = (0.0, 0.0, 1)


@final
@dataclass(frozen=True)
class Layout:
    """What stands between the cells of a table, and the names of its columns."""

    delimiter: str
    names: tuple[str, ...]

    @property
    def listed(self) -> str:
        """The names in a line, for messages."""
        said = " ".join(", ".join(self.names).split())
        return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"

    @cached_property
    def told_apart(self) -> tuple[str, ...]:
        """The names, with a number behind those that several columns have: of these, none is meant by the name alone.

        Example:
            >>> Layout(",", ("id", "x", "x", "")).told_apart
            ('id', 'x (1)', 'x (2)', '')
        """
        again = {name: count(1) for name, times in Counter(self.names).items() if name and times > 1}
        return tuple(f"{name} ({next(again[name])})" if name in again else name for name in self.names)

    def column(self, name: str) -> int | None:
        """The number of a column, whose name may differ in capital letters; None if there is none.

        Raises:
            ValueError: if there are several.
        """
        found = [place for place, own in enumerate(self.names) if own == name]
        found = found or [place for place, own in enumerate(self.names) if own.lower() == name.lower()]
        if len(found) > 1:
            raise ValueError(f"has {len(found)} columns {name!r}; rename all but one")
        return found[0] if found else None

    def cells(self, row: str) -> list[str]:
        """The cells of a row, which may have several lines.

        Texts with tabs between them are seldom quoted: there, a quotation mark is a character of its cell unless the
        cell ends with one, too.

        Example:
            >>> Layout("\\t", ("a", "b")).cells('"Yes", he said\\t"no"')
            ['"Yes", he said', 'no']
        """
        row = row.rstrip("\r\n")
        if self.delimiter == " ":
            return row.split()
        if self.delimiter != "\t":
            return split_cells(row, self.delimiter)
        plain = row.split("\t")
        lines = "\n" in row or "\r" in row
        if (lines or len(plain) != len(self.names)) and well_formed(row, "\t"):
            return split_cells(row, "\t")
        return [unquoted(cell) for cell in plain]


def delimiter_of(lines: Sequence[str], suffix: str, otherwise: str = ",") -> str:
    """What stands between the cells of the table that begins with these lines.

    It is what cuts most rows into as many cells as the header has; `otherwise` where nothing cuts the header.

    Example:
        >>> delimiter_of(["name;value, in mg", "a;1,5"], ".csv"), delimiter_of(["sep=|"], ".csv")
        (';', '|')
    """
    said = SEPARATOR.fullmatch(lines[0])
    if said is not None:
        return said[1]
    if suffix == ".tsv":
        return "\t"
    best = max(",;\t|", key=lambda mark: _agreement(lines, mark))
    return best if _agreement(lines, best) > NONE else otherwise


def _agreement(lines: Sequence[str], mark: str) -> tuple[float, float, int]:
    """The share of rows with as many cells as the header, the share of its cells that no space begins (a comma and a
    space are mostly words), and how many they are; nothing for one cell.
    """
    rows = [row for row in split_rows("\n".join(line.rstrip("\r\n") for line in lines), mark) if any(row)]
    if not rows or len(rows[0]) < 2:
        return NONE
    further = rows[1:-1] or rows[1:] or rows  # the last one may be cut
    same = sum(len(row) == len(rows[0]) for row in further) / len(further)
    return same, sum(not cell.startswith(" ") for cell in rows[0]) / len(rows[0]), len(rows[0])

"""How the numbers of a table are written, by what its cells leave no doubt of: 1,5 or 1.5, 1,234 or 1.234."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from .numbers import COMMA, EITHER, POINT, THOUSANDS, usual_writing

DECIMAL = {POINT: re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?"), COMMA: re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")}
DOUBTFUL = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
"""A number of thousands, or one with three decimals."""


@final
@dataclass(frozen=True)
class Writings:
    """How the numbers of every column are written, and a cell of each of which only other columns tell, or nothing."""

    of: Mapping[str, str]
    doubtful: Mapping[str, str] = field(default_factory=dict)


def writings_of(columns: Mapping[str, Sequence[str]], delimiter: str) -> Writings:
    """How numbers are written, by cells of every column: its own, then those of all columns, then what is usual.

    Where a comma stands between the cells, one within a quoted cell stands between thousands. Elsewhere 1,5 and 1.234,5
    tell that decimals are behind a comma, 1.5 and 1,234.5 the reverse; where both are in one column, neither mark
    stands between thousands.

    Args:
        columns: their cells, by name.
        delimiter: between the cells of the file.

    Example:
        >>> found = writings_of({"x": ["1,5", "2,25"], "y": ["1.234", "17"], "z": ["3"]}, ";")
        >>> found.of, found.doubtful
        ({'x': 'comma', 'y': 'comma', 'z': 'comma'}, {'y': '1.234'})
    """
    usual = usual_writing(delimiter)
    if delimiter == ",":
        return Writings(dict.fromkeys(columns, usual))
    own = {name: {mark for cell in cells if (mark := _told(cell.strip()))} for name, cells in columns.items()}
    every = set[str]().union(*own.values())
    of, doubtful = dict[str, str](), dict[str, str]()
    for name, cells in columns.items():
        marks = own[name] or every
        of[name] = next(iter(marks)) if len(marks) == 1 else EITHER if own[name] else usual
        unsure = next((cell.strip() for cell in cells if DOUBTFUL.fullmatch(cell.strip())), None)
        if unsure is not None and not own[name] and ("," in unsure or of[name] == COMMA):
            doubtful[name] = unsure
    return Writings(of, doubtful)


def _told(cell: str) -> str:
    """How a cell is written, where it leaves no doubt; nothing otherwise."""
    if not cell or DOUBTFUL.fullmatch(cell):
        return ""
    return next((mark for mark in DECIMAL if DECIMAL[mark].fullmatch(cell) or THOUSANDS[mark].fullmatch(cell)), "")

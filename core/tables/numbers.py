"""Numbers in the cells of tables."""

import math
from collections.abc import Sequence

from .layout import Layout

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "?"))
"""What stands for a missing number, in small letters."""


def number_in(cell: str, delimiter: str) -> float | None:
    """A number, NaN for what stands for a missing one, None for anything else.

    Where no comma stands between the cells, one may stand for the decimal point.

    Example:
        >>> number_in(" 1,5", ";"), number_in("n/a", ","), number_in("walk", ","), number_in("1e3", ",")
        (1.5, nan, None, 1000.0)
    """
    text = cell.strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        return float(text.replace(",", ".") if delimiter != "," else text)
    except ValueError:
        return None


def numeric_columns(layout: Layout, rows: Sequence[Sequence[str]]) -> list[int]:
    """The columns that hold numbers in all of these rows, and at least one."""
    found = []
    for place in range(len(layout.names)):
        numbers = [number_in(row[place], layout.delimiter) for row in rows]
        if None not in numbers and any(number is not None and not math.isnan(number) for number in numbers):
            found.append(place)
    return found

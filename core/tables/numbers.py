"""Numbers in the cells of tables."""

import math
import re
from collections.abc import Sequence

from .layout import Layout

MISSING = frozenset(
    (
        *("", "na", "n/a", "n.a.", "nan", "<na>", "null", "none", "nil", "-", "–", "—", ".", "?"),
        *("#n/a", "#na", "#null!", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#wert!", "#bezug!", "#zahl!"),
    )
)
"""What stands for a missing number, in small letters: words, marks, and what spreadsheets write where they fail."""
POINT, COMMA, EITHER = "point", "comma", "either"
"""How numbers are written: the decimals behind a point, and commas between thousands; the reverse; behind a point or a
comma, and nothing between thousands."""
THOUSANDS = {
    POINT: re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?"),
    COMMA: re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?"),
}
"""Numbers with a mark between their thousands."""


def usual_writing(delimiter: str) -> str:
    """How numbers are written where cells tell nothing: a comma may stand for the decimal point where none stands
    between the cells.
    """
    return POINT if delimiter == "," else EITHER


def number_in(cell: str, writing: str = POINT) -> float | None:
    r"""A number, NaN for what stands for a missing one, None for anything else.

    Args:
        cell: what is written.
        writing: how numbers are written.

    Example:
        >>> number_in(" 1,5", EITHER), number_in("n/a"), number_in("walk"), number_in("1e3")
        (1.5, nan, None, 1000.0)
        >>> number_in("\u22121.5"), number_in("#DIV/0!")
        (-1.5, nan)
        >>> number_in("1,234"), number_in("1,234", COMMA), number_in("1.234,5", COMMA), number_in("1,5")
        (1234.0, 1.234, 1234.5, None)
    """
    text = cell.strip().replace("\u2212", "-")
    if text.lower() in MISSING:
        return math.nan
    if writing == POINT:
        text = text.replace(",", "") if "," in text and THOUSANDS[POINT].fullmatch(text) else text
    else:
        text = text.replace(".", "") if writing == COMMA and THOUSANDS[COMMA].fullmatch(text) else text
        text = text.replace(",", ".")
    try:
        return plain_float(text)
    except ValueError:
        return None


def plain_float(text: str) -> float:
    """A number as files have it: Python also takes 12_3 for one, which is a name of a sample, a well or a day.

    Raises:
        ValueError: if it is none.

    Example:
        >>> plain_float("12_3")
        Traceback (most recent call last):
        ValueError: '12_3' is no number
    """
    if "_" in text:
        raise ValueError(f"{text!r} is no number")
    return float(text)


def numeric_columns(layout: Layout, rows: Sequence[Sequence[str]], writings: Sequence[str]) -> list[int]:
    """The columns that hold numbers in all of these rows, and at least one; every column with how its are written."""
    found = []
    for place in range(len(layout.names)):
        numbers = [number_in(row[place], writings[place]) for row in rows]
        if None not in numbers and any(number is not None and not math.isnan(number) for number in numbers):
            found.append(place)
    return found

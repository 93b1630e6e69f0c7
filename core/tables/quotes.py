"""Quotation marks around the cells of a table."""

import csv
import io
import re
from collections.abc import Iterator
from functools import lru_cache

QUOTED = re.compile(r'"(?:[^"]|"")*+"')
CLOSING = re.compile(r'(?:[^"]|"")*+"')
"""The rest of a quoted cell, in which a quotation mark is doubled."""


def split_rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """The cells of every row as the format of CSV has them."""
    csv.field_size_limit(2**31 - 1)  # whole texts in a cell are longer than the library's 128 KiB
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def split_cells(row: str, delimiter: str) -> list[str]:
    """The cells of one row."""
    return next(split_rows(row, delimiter), [])


def unquoted(cell: str) -> str:
    """A cell without the quotation marks around it, where there are some.

    Example:
        >>> unquoted('"a ""big"" one"'), unquoted('"Yes," he said')
        ('a "big" one', '"Yes," he said')
    """
    return cell[1:-1].replace('""', '"') if QUOTED.fullmatch(cell) else cell


def in_quotes(line: str, delimiter: str, inside: bool = False) -> bool:
    """Whether a quoted cell is still open behind a line, and runs on in the next one.

    A quote opens a cell only as its first character: `6" pipe` is a cell like any other.

    Example:
        >>> in_quotes('1,"an open cell', ","), in_quotes('1,a 6" pipe', ",")
        (True, False)
        >>> in_quotes('goes on, says ""no"" and ends",2', ",", True)
        False
    """
    if '"' not in line:
        return inside
    place = 0
    while True:
        if inside:
            closing = CLOSING.match(line, place)
            if closing is None:
                return True
            place = closing.end()
        opening = _opening(delimiter).search(line, place)
        if opening is None:
            return False
        place, inside = opening.end(), True


def well_formed(row: str, delimiter: str) -> bool:
    """Whether every cell that begins with a quotation mark ends with one, as the format of CSV wants it.

    Example:
        >>> well_formed('1,"a, b"', ","), well_formed('1,"a" b', ",")
        (True, False)
    """
    return _row(delimiter).fullmatch(row) is not None


@lru_cache
def _opening(delimiter: str) -> re.Pattern[str]:
    return re.compile(rf'(?:^|{re.escape(delimiter)})"')


@lru_cache
def _row(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    cell = rf'(?:"(?:[^"]|"")*+"|[^"{mark}\r\n][^{mark}\r\n]*+|)'
    return re.compile(rf"{cell}(?:{mark}{cell})*+[\r\n]*")

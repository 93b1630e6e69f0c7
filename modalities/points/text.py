"""Points in text: rows of numbers, under names if the first line has some."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from gestalt.core.tables.lines import lines_of

from .columns import NAMES, ROWS, Block, is_number, known, numbers, unnamed

FEW = 256
"""Lines that tell how numbers are written."""
MOLECULES = "begins with one number in a row: molecules (.xyz) belong to graphs, as SDF"
NUMERIC = tuple('0123456789+-.,"')
"""What a row of numbers begins with."""
COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
"""A number with a decimal comma."""
SPACED = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
"""One between spaces, where a comma before all digits may stand between numbers (`1 ,2 ,3`)."""


def text_blocks(path: Path) -> Iterator[Block]:
    """Rows of numbers with spaces, tabs, commas or semicolons between, under names if the first line has some.

    Where something else stands between all numbers, a comma within them is a decimal one.
    """
    names, width, first = list[str](), 0, 0
    said: int | None = None
    lines = lines_of(path)
    decimal: bool | None = None
    while some := list(islice(lines, ROWS)):
        kept = list[str]()
        decimal = _decimal_commas([line.text for line in some[:FEW]]) if decimal is None else decimal
        for line in some:
            text = line.text.strip()
            remark = text.startswith(("#", "//", "%"))
            cells = _cells(text)
            if decimal and not remark and cells and (width or text[0] in NUMERIC or is_number(cells[0])):
                cells = _cells(text.replace(",", "."))  # of names, commas stand between them
            if not cells or (remark and width):
                continue
            if not width and not remark and said is None and len(cells) == 1 and cells[0].isdecimal():
                said = int(cells[0])  # how many rows follow
                continue
            if said is not None and not width and not remark and (len(cells) == 1 or not is_number(cells[0])):
                raise ValueError(MOLECULES)
            if not width and not is_number(cells[0]):
                named = {"x", "y", "z"} <= {NAMES.get(cell.lower(), "") for cell in cells}
                if not named and not remark:
                    raise ValueError(
                        f"begins with {text[:40]!r}, expected numbers, or names among which x, y and z are"
                    )
                names = cells if named else names
            elif not remark:
                width = width or len(cells)
                kept.append(" ".join(cells))
        if width == 1:
            raise ValueError(MOLECULES)
        if names and width and len(names) != width:
            raise ValueError(f"has {width} numbers in a row, its first line names {len(names)} columns")
        if kept:
            table = numbers(kept, first, width)
            first += len(kept)
            yield known(names, table) if names else unnamed(table)
    if said is not None and said != first:
        raise ValueError(f"says in its first line that {said} points follow, and has {first}")


def _cells(text: str) -> list[str]:
    return re.sub(r"[,;\t]", " ", text.lstrip("#%/")).replace('"', "").split()


def _decimal_commas(lines: Sequence[str]) -> bool:
    """Whether a comma is the decimal one in lines of which some may be remarks or names.

    Raises:
        ValueError: for a number with commas that are neither decimal nor between the numbers.

    Example:
        >>> _decimal_commas(["x;y;z", "1,5;2;3,25"]), _decimal_commas(["1,5 2,0 3,1"]), _decimal_commas(["1, 2, 3"])
        (True, True, False)
    """
    rows = [line.strip().replace('"', "") for line in lines if line.strip()[:1] in NUMERIC]
    rows = rows[1:] if rows and rows[0].isdecimal() else rows  # how many follow
    for mark in (";", "\t", None):
        cells = [[cell.strip() for cell in row.split(mark)] for row in rows]
        if rows and all(len(own) >= 3 for own in cells):
            commas = [cell for own in cells for cell in own if "," in cell]
            form = SPACED if mark is None else COMMA
            strange = next((cell for cell in commas if not form.fullmatch(cell)), None)
            if strange is not None and mark is not None:
                raise ValueError(
                    f"has {strange[:40]!r} between {'semicolons' if mark == ';' else 'tabs'}, expected a number such "
                    "as 1234.5 or 1234,5, with nothing between thousands"
                )
            return bool(commas) and strange is None
    return False

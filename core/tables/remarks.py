"""Lines above the header of a table that begin with # and say where it comes from."""

import math
from collections.abc import Sequence

from .layout import Layout, delimiter_of
from .lines import Line
from .numbers import EITHER, number_in


def without_remarks(head: Sequence[Line], suffix: str) -> list[Line]:
    """The first lines of a table from its header on.

    The header is the first line without #, if it holds words alone and the line below it numbers, or if the line above
    it has other cells; otherwise it is the last line with #, as NumPy writes it.

    Args:
        head: the first lines, the first of them not empty.
        suffix: of the file.

    Example:
        >>> lines = ["# made by a logger", "time,x", "0,1"], ["# made by NumPy", "# time,x", "0,1"], ["#,name", "1,a"]
        >>> for own in lines:
        ...     print(without_remarks([Line(0, 0, 1, 0, text) for text in own], ".csv")[0].text)
        time,x
        # time,x
        #,name
    """
    first = next((place for place, line in enumerate(head) if line.text.strip() and not _marked(line)), 0)
    if not first:
        return list(head)
    marked = max(place for place in range(first) if _marked(head[place]))
    rest = [line for line in head[first:] if line.text.strip()]
    layout = Layout(delimiter_of([line.text for line in rest], suffix), ())
    above, own, below = (layout.cells(line.text) for line in (head[marked], rest[0], rest[1 if len(rest) > 1 else 0]))
    if _numbers(own):
        return list(head[marked:])
    return list(head[first:] if _numbers(below) or len(above) != len(own) else head[marked:])


def _marked(line: Line) -> bool:
    return line.text.lstrip().startswith("#")


def _numbers(cells: Sequence[str]) -> bool:
    """Whether any of the cells is a number."""
    found = (number_in(cell, EITHER) for cell in cells)
    return any(number is not None and not math.isnan(number) for number in found)

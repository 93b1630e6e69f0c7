"""Edge lists, and the tables of nodes beside them, as rows of cells with the numbers of their lines."""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.files import ADVICE
from gestalt.core.tables.blocks import suffix_of
from gestalt.core.tables.layout import Layout, delimiter_of
from gestalt.core.tables.lines import lines_of
from gestalt.core.tables.quotes import in_quotes
from gestalt.core.tables.rows import SAMPLE

Rows = Sequence[tuple[int, list[str]]]
REMARKS = ("#", "%", "//")
"""What begins a line that is no edge."""
NAME = re.compile(r"#\w")
"""What may begin a name."""


def rows_of(path: Path, encoding: str | None = None) -> Rows:
    """The rows of a file, whose first one may be a header or not; remarks and empty lines are none.

    Between the cells stand tabs, commas, semicolons, bars or any number of spaces.

    Raises:
        BadItemError: if it is no text in Unicode or the encoding, or holds a quoted cell that never ends, or a line of
            which nobody knows whether it is a remark.
    """
    every = [(line.number, line.text.strip("\r\n")) for line in lines_of(path, encoding) if line.text.strip()]
    lines = [(number, text) for number, text in every if not text.lstrip().startswith(REMARKS)]
    if not lines:
        return []
    head = [f"{text}\n" for _, text in islice(lines, SAMPLE)]
    layout = Layout(delimiter_of(head, suffix_of(path), otherwise=" "), ())
    for number, text in lines:
        if layout.delimiter in ",;|" and in_quotes(text, layout.delimiter):
            raise BadItemError(f"{path} [line {number}]", f"has a quotation mark that does not end; {ADVICE}")
    width = len(layout.cells(lines[0][1]))
    for number, text in every:
        # A name such as #owl, in the middle of the file, is as likely as an edge that was taken out.
        if NAME.match(text) and number > lines[0][0] and len(layout.cells(text)) == width:
            raise BadItemError(
                f"{path} [line {number}]",
                "begins with # and may be an edge or a remark: put the name in quotation marks, or a space behind the "
                f"#; or {ADVICE}",
            )
    rows = [(number, [cell.strip() for cell in layout.cells(text)]) for number, text in lines]
    return [(number, _without_data(row, f"{path} [line {number}]")) for number, row in rows if any(row)]


def _without_data(row: list[str], name: str) -> list[str]:
    """A row without the empty braces in which NetworkX writes the data of an edge."""
    if row[-1] == "{}":
        return row[:-1]
    if any(cell.startswith("{") for cell in row):
        raise BadItemError(name, f"has the data of an edge in braces; write them as columns (data=[…]), or {ADVICE}")
    return row

"""Tables that people open in spreadsheets: no cell of theirs is taken for a formula."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, final

NUMBER = re.compile(r"\s*[-+]?\d[\d.,]*\s*")
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r]")
"""How a cell begins that a spreadsheet evaluates when the file is opened; also in the wide forms of East Asia."""


@final
class TableWriter:
    r"""Rows of a CSV or TSV file, its header first.

    Names and texts come out of users' files, and a cell such as `=cmd|' /C calc'!A1` would be run by whoever opens the
    table. So texts that begin like a formula get an apostrophe in front, and relative paths `./`, which leaves them the
    same paths. Numbers stay what they are, negative ones too.

    Args:
        file: open for text without translation of line breaks, see `open_text`.
        columns: the header.
        delimiter: between cells.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> with path.open("w", newline="") as file:
        ...     TableWriter(file, ("file", "name", "value")).row((Path("-a.wav"), "=1+1", "-0.5"))
        >>> path.read_text()
        "file,name,value\n./-a.wav,'=1+1,-0.5\n"
    """

    def __init__(self, file: IO[str], columns: Iterable[str], delimiter: str = ",") -> None:
        self._writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self._quoting = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self.row(columns)

    def row(self, cells: Iterable[Any]) -> None:
        """One line."""
        row = [shown(cell) for cell in cells]
        # A lone carriage return ends a row for those who read the file, and the module quotes it only if it ends ours.
        writer = self._quoting if any("\r" in str(cell) for cell in row) else self._writer
        writer.writerow(row)


def shown(cell: Any) -> Any:
    """A cell as it is written.

    Example:
        >>> shown("@SUM(A1)"), shown("a=b"), shown(Path("=x.wav")), shown("-1e3"), shown("-0,77"), shown(-2)
        ("'@SUM(A1)", 'a=b', './=x.wav', '-1e3', '-0,77', -2)
    """
    if not isinstance(cell, str | Path) or not FORMULA.match(str(cell)) or _is_number(str(cell)):
        return cell
    return f"./{cell}" if isinstance(cell, Path) else f"'{cell}"


def meant(text: str) -> str:
    """A cell as it was before `shown` put an apostrophe in front; texts that never had one stay.

    Example:
        >>> meant("'=a.smi"), meant("'tis"), meant(str(shown(Path("-a"))))
        ('=a.smi', "'tis", './-a')
    """
    return text[1:] if text[:1] == "'" and FORMULA.match(text[1:]) else text


def _is_number(text: str) -> bool:
    """Also with a decimal comma or marks of thousands: nothing that a spreadsheet computes."""
    try:
        float(text)
    except ValueError:
        return bool(NUMBER.fullmatch(text))
    return True

"""Text files as tables: their lines, and the cells of each."""

import csv
from pathlib import Path

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.files import ADVICE


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        BadItemError: if it is no text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadItemError(str(path), f"is no text in UTF-8 ({error.reason}); save it as UTF-8, or {ADVICE}") from error


def table_of(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a table with their numbers; the first is its head where it has one."""
    text = text_of(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    rows = csv.reader(text.splitlines(), delimiter=_delimiter(first, path.suffix.lower()), skipinitialspace=True)
    try:
        return [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadItemError(str(path), f"is no table ({error}, line {rows.line_num}); {ADVICE}") from error


def _delimiter(first: str, suffix: str) -> str:
    """What stands between the cells of a first line; names of columns may hold spaces.

    Example:
        >>> _delimiter("Compound ID,log S in mols per litre,smiles", ".csv"), _delimiter("a b 0.5", ".edgelist")
        (',', ' ')
    """
    if suffix == ".tsv":
        return "\t"
    counts = {mark: first.count(mark) for mark in "\t;,"}
    most = max(counts, key=lambda mark: counts[mark])
    enough = max(first.count(" "), 1) if suffix == ".edgelist" else 1
    return most if counts[most] >= enough else " "

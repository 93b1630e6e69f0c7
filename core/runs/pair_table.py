"""Tables of pairs: the names of two items in every row, and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor

from ..data.items import AbstractItems, BadItemError, FromRecords
from ..methods.targets import AbstractTarget, Classes, Values
from ..storage.plain_names import plain
from ..tables.rows import table_of
from ..training.label_names import ItemNames
from ..training.label_values import NOTHING, values_of

SAME, DIFFERENT = "same", "different"
WORDS = {"1": 1, "0": 0, "true": 1, "false": 0, "yes": 1, "no": 0, SAME: 1, DIFFERENT: 0}
"""How a table says whether two are the same."""


@final
@dataclass(frozen=True)
class PairTable:
    """The rows of a table of pairs.

    Attributes:
        path: the table.
        heads: of the two columns of names.
        names: of both items, row by row.
        said: what is known of each pair, as it is written; empty where there is no such column.
        lines: of the rows in the file.
        note: what was left out, in a line.
    """

    path: Path
    heads: tuple[str, str]
    names: tuple[tuple[str, str], ...]
    said: tuple[str, ...]
    lines: tuple[int, ...]
    note: str = ""

    def known(self) -> tuple[AbstractTarget, Shaped[Tensor, "rows ..."]]:
        """Whether they are the same (1 or 0), or a number; −1 or NaN where nothing is said.

        Raises:
            ValueError: if nothing is said of any, or something is neither.
        """
        texts = [None if text.lower() in NOTHING else text for text in self.said]
        if not any(text is not None for text in texts):
            raise ValueError(
                f"{self.path} says of no pair what it is: a third column has 1 (the same) or 0 (different), or a number"
            )
        if all(text is None or text.lower() in WORDS for text in texts):
            numbers = [-1 if text is None else WORDS[text.lower()] for text in texts]
            return Classes((DIFFERENT, SAME)), torch.tensor(numbers)
        values = values_of(texts, str(self.path), lambda row: f"line {self.lines[row]}")
        return Values(("score",)), torch.tensor([float("nan") if one is None else one for one in values])[:, None]


def read_pairs(path: Path, column: str | None = None, skip_bad: bool = False) -> PairTable:
    """A table whose first two columns name items; the third, or `column`, says what is known.

    Raises:
        ValueError: if it cannot be read, has fewer columns, or a row is wrong, unless `skip_bad`.
    """
    try:
        layout, found = table_of(path)
        rows = list(found)
    except (OSError, BadItemError) as error:
        raise ValueError(f"the pairs in {path} cannot be read ({error}); give a table with a header") from error
    heads = layout.names
    if len(heads) < 2 or not rows:
        raise ValueError(f"{path} needs a header and rows whose first two columns name items, got {layout.listed}")
    try:
        wanted = layout.column(column) if column is not None else next(iter(range(2, len(heads))), None)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error
    if column is not None and wanted is None:
        raise ValueError(f"{path} has no column {column!r}; it has {layout.listed}")
    wrong = [row for row in rows if row.problem or not (row.cells[0].strip() and row.cells[1].strip())]
    if wrong and (not skip_bad or len(wrong) == len(rows)):
        problem = wrong[0].problem or "names no two items"
        raise ValueError(f"{path}:{wrong[0].line} {problem}; correct the row, or leave it out with --skip-bad")
    bad = {row.line for row in wrong}
    good = [row for row in rows if row.line not in bad]
    return PairTable(
        path,
        (heads[0], heads[1]),
        tuple((plain(row.cells[0]), plain(row.cells[1])) for row in good),
        tuple("" if wanted is None else row.cells[wanted].strip() for row in good),
        tuple(row.line for row in good),
        f"left out because they are wrong: {len(wrong)}" if wrong else "",
    )


def named_by(table: PairTable, items: AbstractItems[Any]) -> list[str | None]:
    """For every item the name by which the table calls it, None for none: as tables of labels name items, or by what a
    field of its record says.
    """
    keys = dict.fromkeys(name for pair in table.names for name in pair)
    found = ItemNames(items).found_in(keys, str(table.path))
    if not isinstance(items, FromRecords):
        return found
    return [_by_field(items, index, keys) if one is None else one for index, one in enumerate(found)]


def _by_field(items: FromRecords, index: int, keys: dict[str, None]) -> str | None:
    said = (value.strip() for value in items.fields(index).values())
    return next((value for value in said if value in keys), None)


def refuse_unnamed(table: PairTable, missing: Sequence[int], items: AbstractItems[Any]) -> None:
    """Refuse a table of which no pair can be used.

    Raises:
        ValueError: with the first name that there is not.
    """
    if len(missing) == len(table.names):
        raise ValueError(
            f"{table.path} names nothing of the data: line {table.lines[missing[0]]} has "
            f"{' and '.join(map(repr, table.names[missing[0]]))}, and the data have names such as {items.name(0)!r}"
        )

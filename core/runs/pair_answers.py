"""What a fit says of pairs, in memory and in a table of the form in which their labels come."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from ..data.items import AbstractItems, Skipped
from ..fitting.fitted import Fitted
from ..methods.targets import Classes
from ..storage.csv_file import TableWriter
from ..storage.naming import counted
from ..storage.text_file import open_text
from .pair_table import PairTable, read_pairs
from .pairs import of_pairs, pairs_in, say_of_pairs
from .sees_items import SeesItems

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class PairAnswer:
    """What is said of a pair.

    Attributes:
        first, second: the names of both, as the table has them.
        score: the probability that they are the same, or the value; NaN where one of them is not there.
        label: 1 for the same, 0 for different; the value; None where one of them is not there.
    """

    first: str
    second: str
    score: float
    label: float | int | None


def answers_of_pairs(
    model: SeesItems[ItemT],
    fitted: Fitted | None,
    items: AbstractItems[ItemT],
    table: PairTable | Path,
    skipped: list[Skipped] | None = None,
    threshold: float = 0.5,
) -> tuple[list[PairAnswer], str]:
    """What is said of every pair of a table, in its order, and what of it is not there, in a line.

    Args:
        model: encodes the items.
        fitted: what answers.
        items: the data set.
        table: the pairs.
        skipped: items that were left out so far; None where they are errors.
        threshold: pairs with this score or more are the same; it does not touch values.

    Raises:
        ValueError: if there is no fit to pairs, the table cannot be used, or the threshold is no probability.
    """
    of = of_pairs(fitted)
    assert fitted is not None
    if not 0 <= threshold <= 1:
        raise ValueError(f"pairs are the same from a probability in [0, 1] on, got threshold={threshold}")
    table = read_pairs(table, skip_bad=skipped is not None) if isinstance(table, Path) else table
    pairs = pairs_in(model, of, items, table, skipped)
    decoded = fitted.target.decode(say_of_pairs(fitted, pairs, model.device).outputs[:, 0])[:, -1].tolist()
    scores = dict(zip(pairs.rows.tolist(), decoded, strict=True))
    found = list[PairAnswer]()
    for row, (first, second) in enumerate(table.names):
        score = scores.get(row, math.nan)
        label = (
            None if math.isnan(score) else (int(score >= threshold) if isinstance(fitted.target, Classes) else score)
        )
        found.append(PairAnswer(first, second, score, label))
    return found, pairs.note


def write_pairs(
    model: SeesItems[Any],
    fitted: Fitted | None,
    items: AbstractItems[Any],
    path: Path,
    folder: Path,
    skipped: list[Skipped] | None,
    threshold: float = 0.5,
) -> str:
    """Write `pairs.csv`: the two names, label and score; how that is said."""
    table = read_pairs(path, skip_bad=skipped is not None)
    found, note = answers_of_pairs(model, fitted, items, table, skipped, threshold)
    with open_text(folder / "pairs.csv") as file:
        sheet = TableWriter(file, (*table.heads, "label", "score"))
        for one in found:
            score = "" if math.isnan(one.score) else f"{one.score:.6g}"
            label = "" if one.label is None else f"{one.label:.6g}"
            sheet.row((one.first, one.second, label, score))
    return f"{counted(len(found), 'pair')}" + (f" ({note})" if note else "")

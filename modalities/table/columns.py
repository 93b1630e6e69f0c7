"""Columns of tables: what one holds, by its cells, and its cells as numbers and codes; or why it is no input."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np

from gestalt.core.data.items import id_in
from gestalt.core.tables.dates import day_in, minute_of
from gestalt.core.tables.numbers import MISSING, POINT, number_in

NUMBER, DATE, BOOLEAN, CATEGORY = "number", "date", "boolean", "category"
PAIRS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))
"""What is no and what is yes, in small letters."""
BITS = ("0", "1")
"""The same in a column that is known to hold nothing else."""
DRAWS = 64
"""Cells of a column that stand for all of it."""
FEW = 8
"""Of fewer rows nobody can say that a column tells them apart."""
GREATEST = 10.0
"""No standardised number is farther from 0: one cell does not rule a row."""
ABSENT, KNOWN = 0, 1
"""The code of a missing cell, and of a number that is there; of categories 1 is unknown, and words follow."""
STRAY = 20
"""Where so many times as many cells are numbers as are not, a column is one of numbers with mistakes; so of dates."""
EMPTY = "empty"
ID = "whole numbers under the name of an id, none of which comes twice"
APART = "nearly all words differ, as names and free text do"
NESTED = "lists and objects, which are not read"
BEYOND = "no number is within any measure"
"""Why a column is no input."""


@final
@dataclass(frozen=True)
class Column:
    """What is known of a column: its kind, the mean and the deviation of its numbers (days since 1970 of dates), the
    words of its categories, the commonest first, and cells that stand for all of it, None for a missing one.
    """

    name: str
    kind: str
    centre: float = 0.0
    scale: float = 1.0
    words: tuple[str, ...] = ()
    draws: tuple[float | None, ...] = (None,)

    @property
    def width(self) -> int:
        """Numbers that say what a cell is: one of numbers, one for each word and one for the unknown of categories."""
        return 1 if self.kind in (NUMBER, DATE) else len(self.words) + 1

    def cell(self, text: str, writing: str = POINT) -> tuple[float, int]:
        """A cell as a number, 0 for words, and a code; `writing` is how numbers are written.

        Raises:
            ValueError: for a word in a column of numbers or of dates.

        Example:
            >>> Column("age", "number", centre=40.0, scale=10.0).cell("55"), Column("age", "number").cell("?")
            ((1.5, 1), (0.0, 0))
            >>> [Column("sex", "category", words=("f", "m")).cell(word) for word in ("m", "d", "")]
            [(0.0, 3), (0.0, 1), (0.0, 0)]
        """
        plain = text.strip()
        if plain.lower() in MISSING:
            return 0.0, ABSENT
        if self.kind == CATEGORY:
            return 0.0, self.codes.get(plain, KNOWN)
        if self.kind == BOOLEAN:
            yes = [pair.index(plain.lower()) for pair in (*PAIRS, BITS) if plain.lower() in pair]
            return 0.0, yes[0] + 2 if yes else KNOWN
        value = day_in(plain) if self.kind == DATE else number_in(plain, writing)
        if value is not None and math.isnan(value):
            return 0.0, ABSENT
        if value is None or not abs(value) <= 1e30:
            wanted = "a date such as 2024-05-01" if self.kind == DATE else "a number"
            raise ValueError(f"has {plain[:40]!r} in the column {self.name!r}, expected {wanted}")
        return min(max((value - self.centre) / self.scale, -GREATEST), GREATEST), KNOWN

    def text(self, value: float, code: int) -> str:
        """What a cell says, for people."""
        if code == ABSENT:
            return "missing"
        if self.kind in (CATEGORY, BOOLEAN):
            return self.words[code - 2] if code > KNOWN else "unknown"
        own = value * self.scale + self.centre
        if self.kind == NUMBER:
            return f"{own:.4g}"
        return minute_of(own)

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """The code of every word."""
        return {word: place + 2 for place, word in enumerate(self.words)}


def word_among_numbers(column: Column, cells: Sequence[tuple[str, str]]) -> str | None:
    """The first word of a column of words of whose cells more than half are numbers; None for other columns."""
    if column.kind != CATEGORY:
        return None
    there = [(cell, number_in(cell, writing)) for cell, writing in cells if cell.lower() not in MISSING]
    words = [cell for cell, number in there if number is None]
    return words[0] if words and 2 * len(words) < len(there) else None


def fits(column: Column, cell: str, writing: str) -> bool:
    """Whether a cell can be read: one that cannot is named when its row is."""
    try:
        column.cell(cell, writing)
    except ValueError:
        return False
    return True


def _nested(cell: str) -> bool:
    """Whether a cell is a list or an object, as JSON has it."""
    if (cell[:1], cell[-1:]) not in (("[", "]"), ("{", "}")):
        return False
    try:
        return isinstance(json.loads(cell), list | dict)
    except (ValueError, RecursionError):
        return False


def column_of(name: str, cells: Sequence[tuple[str, str]], vocabulary: int, named: bool) -> Column | str:
    """What a column is, by its cells and how numbers are written in each; or why it is no input.

    Args:
        name: of the column.
        cells: each with how numbers are written there.
        vocabulary: most words; the rarer ones are unknown.
        named: whether somebody chose the column, so that it stays though it tells rows apart.
    """
    there = [(cell, writing) for cell, writing in cells if cell.lower() not in MISSING]
    present = [cell for cell, _ in there]
    small = {cell.lower() for cell in present}
    numbers = [number_in(*one) for one in there]
    days = [day_in(cell) for cell in present] if None in numbers else []
    distinct = len(set(present))
    if not present:
        return EMPTY
    if not named and all(map(_nested, present)):
        return NESTED
    kind, words = CATEGORY, tuple[str, ...]()
    if any(small <= set(pair) for pair in PAIRS):
        kind, words = BOOLEAN, PAIRS[0]
    elif None not in numbers:
        kind = NUMBER
        whole = all(re.fullmatch(r"[-+]?\d+", cell) for cell in present)
        if not named and whole and distinct == len(present) >= FEW and id_in({name: "1"}):
            return ID
    elif None not in days:
        kind, numbers = DATE, days
    else:
        many = distinct > max(FEW, len(present) // 2) and (distinct == len(present) or distinct > vocabulary)
        if many and numbers.count(None) <= len(present) // STRAY:  # then rows with another cell are named
            kind = NUMBER
        elif many and days.count(None) <= len(present) // STRAY:
            kind, numbers = DATE, days
        elif not named and many:
            return APART
        else:
            counts = Counter(present)
            words = tuple(sorted(counts, key=lambda word: (-counts[word], word))[:vocabulary])
    column = Column(name, kind, words=words)
    if kind in (NUMBER, DATE):
        own = np.array([math.nan if one is None else one for one in numbers])
        own = own[np.abs(own) <= 1e30]
        if not len(own):
            return BEYOND
        deviation = float(own.std())
        flat = deviation <= 1e-9 * abs(float(own.mean()))
        column = replace(column, centre=float(own.mean()), scale=1.0 if flat else deviation)
    made = [column.cell(*one) for one in cells if fits(column, *one)]
    order = sorted(round(value, 5) if column.width == 1 else float(code) for value, code in made if code != ABSENT)
    every: list[float | None] = [*[None] * (len(made) - len(order)), *order]
    places = [(2 * number + 1) * len(every) // (2 * min(DRAWS, len(every))) for number in range(min(DRAWS, len(every)))]
    return replace(column, draws=tuple(every[place] for place in places))

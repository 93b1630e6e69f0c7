"""Hits, found and true things, counted so that items can be pooled before any ratio is taken."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Score:
    """Precision (share of the found that is true), recall (share of the true that is found), and F1, each in [0, 1]."""

    precision: float
    recall: float
    f1: float


@final
@dataclass(frozen=True)
class Counts:
    """`hits` pairs of a found and a true thing, out of `found` and `true` things.

    Example: two items, pooled.

        >>> (Counts(hits=1, found=2, true=1) + Counts(hits=2, found=2, true=3)).score
        Score(precision=0.75, recall=0.75, f1=0.75)
    """

    hits: int
    found: int
    true: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= min(self.found, self.true):
            raise ValueError(f"hits cannot exceed what was found or what is true, got {self}")

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.hits + other.hits, self.found + other.found, self.true + other.true)

    @property
    def score(self) -> Score:
        """`P = hits / found`, `R = hits / true`, `F1 = 2 hits / (found + true)`.

        Where there is nothing to find and nothing was found, all three are 1; a ratio is 0 if only its own
        denominator is 0.
        """
        if self.found == self.true == 0:
            return Score(1.0, 1.0, 1.0)
        return Score(
            self.hits / self.found if self.found else 0.0,
            self.hits / self.true if self.true else 0.0,
            2 * self.hits / (self.found + self.true),
        )


def pooled(counts: Iterable[Counts]) -> Counts:
    """The sum over items: the micro-average is `pooled(counts).score`."""
    return sum(counts, Counts(0, 0, 0))

"""What is searched for: the options of `gestalt search`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

from ..components.ranges import Between, Count, Share, check_ranges
from .asked import ALL, Asked


@final
@dataclass(frozen=True)
class Searching:
    """What is searched for, and among what: options of the command line."""

    text: tuple[str, ...] = ()
    """Queries in words: captions, SMILES, for runs that read texts."""
    object: int | None = None
    """Search for this object of every query, by its number in `gestalt discover`; so does FILE#3."""
    objects: bool = False
    """Search for every object of the queries."""
    part: str | None = None
    """Search for this part of joint items, alone."""
    among: str | None = None
    """Search among items, objects, or the part of that name. Nothing: what the query is; for one part, the others."""
    hits: Count = 10
    """Hits per query."""
    backend: str | None = None
    """torch or faiss, both exact. Nothing: faiss where it is installed."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.objects and self.object is not None:
            raise ValueError("--objects asks for every object and --object for one: leave one of them out")
        if self.part is not None and (self.objects or self.object is not None):
            raise ValueError("--part asks for a part of items and --object(s) for objects: leave one of them out")

    def asked(self, queries: Sequence[str | Path]) -> list[Asked]:
        """All queries.

        Raises:
            FileNotFoundError: for a query that does not exist.
            ValueError: if there is none.
        """
        number = ALL if self.objects else self.object
        asked = [Asked.of(query, number, self.part) for query in queries]
        asked += [Asked(Path(), number, self.part, text) for text in self.text]
        if not asked:
            raise ValueError("there is no query: name a file, FILE#3 for its object 3, or --text")
        return asked


@final
@dataclass(frozen=True)
class Duplicating:
    """What is compared, and how alike near-duplicates are: options of the command line."""

    among: str = "items"
    """Compare items, objects, or the part of that name."""
    error_rate: Share = 0.01
    """False matches that are accepted: of the items, and of the pairs of different items."""
    threshold: float | None = None
    """Cosine similarity of near-duplicates. Nothing: chosen by the error rate."""
    measure: bool = False
    """Measure recall and precision on copies that the modality's views and transforms make."""
    sample: Count = 300
    """Items by which the threshold is chosen; half of them, where it is measured on the others."""
    most: Count = 100_000
    """Pairs that are listed, the most alike first. Groups are made by all."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Of the sample and the copies."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.measure and self.among == "objects":
            raise ValueError("--measure makes copies of items or of their parts: leave out --among objects")

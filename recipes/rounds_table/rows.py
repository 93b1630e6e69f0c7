"""The rows of the table: the recipe's own method, each time with one part replaced."""

from dataclasses import dataclass, replace
from typing import final

from gestalt.core.data.transplants import Transplants
from gestalt.core.methods.odin_rounds import OdinRounds


@final
@dataclass(frozen=True)
class Row:
    """How the method of a recipe is changed.

    Attributes:
        name: in the table.
        folder: of its runs.
        rounds: how many.
        first_only: the first segments are compared in all of them.
        transplants: whether objects are set into other items.
        pooled: pooled objects of all items are compared, rather than elements with the objects of their item.
    """

    name: str
    folder: str
    rounds: int
    first_only: bool = False
    transplants: bool = True
    pooled: bool = False

    def method(self, of: OdinRounds, every: int) -> OdinRounds:
        """The method of a recipe as the row has it; a round has `every` steps.

        Example:
            >>> row = Row("pooled", "pooled", 2, pooled=True, transplants=False)
            >>> method = row.method(OdinRounds(), 50)
            >>> method.elements, method.contrast, method.rounds.every, method.transplants
            (0.0, 1.0, 50, None)
        """
        weights = (0.0, 1.0) if self.pooled else (of.elements, of.contrast)
        return replace(
            of,
            elements=weights[0],
            contrast=weights[1],
            rounds=replace(of.rounds, every=every, unit="steps", first_only=self.first_only),
            transplants=(of.transplants or Transplants()) if self.transplants else None,
        )


ROWS = (
    Row("1 round", "one", 1),
    Row("2 rounds", "two", 2),
    Row("first segments throughout, as long as 2 rounds", "first-two", 2, first_only=True),
    Row("3 rounds", "three", 3),
    Row("first segments throughout, as long as 3 rounds", "first-three", 3, first_only=True),
    Row("3 rounds, no transplants", "three-bare", 3, transplants=False),
    Row("first segments throughout, no transplants", "first-bare", 3, first_only=True, transplants=False),
    Row("3 rounds, pooled objects", "three-pooled", 3, pooled=True),
    Row("first segments throughout, pooled objects", "first-pooled", 3, first_only=True, pooled=True),
)

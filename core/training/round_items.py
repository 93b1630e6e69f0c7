"""Items as they are read all through a round."""

from typing import Generic, TypeVar, final

import numpy as np

from ..data.items import AbstractItems

ItemT = TypeVar("ItemT")

READING = 0x52454144
"""Sets these random numbers apart from those of views."""


@final
class InRound(AbstractItems[ItemT], Generic[ItemT]):
    """The same items, each read in one way all through a round: kept segments of a window of a recording do not fit
    one that begins a little earlier. Another round reads it in another way; its views differ at every step.

    Args:
        items: of the training set.
        seed: of the run.
        number: of the round.
    """

    def __init__(self, items: AbstractItems[ItemT], seed: int, number: int) -> None:
        self.items, self.seed, self.number = items, seed, number

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        """That of the item."""
        return self.items.name(index)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:  # noqa: ARG002
        """Item `index` as this round reads it, whatever the `rng`."""
        return self.items.read(index, np.random.default_rng([self.seed, self.number, index, READING]))

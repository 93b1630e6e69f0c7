"""Items that are read in one way all through a run."""

from typing import Generic, TypeVar, final

import numpy as np

from ..data.items import AbstractItems
from ..modality.windows import Jittered

ItemT = TypeVar("ItemT")

READING = 0x52454144
"""Sets these random numbers apart from those of views."""


@final
class SteadyItems(AbstractItems[ItemT], Generic[ItemT]):
    """The same items, each read in one way whenever its turn comes; its views differ at every step as ever.

    Kept segments of a window of a recording do not fit one that begins a little earlier, and what two rounds found can
    be compared only on the same window. Windows that training would move every time lie one behind the other: moved
    once and for all, some stretches would be learned from twice and others never.

    Args:
        items: of the training set.
        seed: of the run.
    """

    def __init__(self, items: AbstractItems[ItemT], seed: int) -> None:
        self.items: AbstractItems[ItemT] = items.with_jitter(False) if isinstance(items, Jittered) else items
        self.seed = seed

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        """That of the item."""
        return self.items.name(index)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:  # noqa: ARG002
        """Item `index`, whatever the `rng`."""
        return self.items.read(index, np.random.default_rng([self.seed, index, READING]))

"""Items that lie in a list, some of them unreadable."""

from collections.abc import Sequence
from typing import Generic, TypeVar, final

import numpy as np

from gestalt.core.data.items import AbstractItems, BadItemError

ItemT = TypeVar("ItemT")


@final
class Listed(AbstractItems[ItemT], Generic[ItemT]):
    """A list of items; None stands for one that cannot be read. `asked` keeps the numbers that were read."""

    def __init__(self, items: Sequence[ItemT | None]) -> None:
        self.items = items
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.items)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:  # noqa: ARG002
        """The item."""
        self.asked.append(index)
        item = self.items[index]
        if item is None:
            raise BadItemError(self.name(index), "is torn")
        return item

    def name(self, index: int) -> str:
        """Its number."""
        return f"item {index}"

"""Changes that are made to a batch of views at once, on the device where it lies."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


class AbstractBatchChange(abc.ABC):
    """What a transform offers besides, where it leaves everything in its place and can be made to many items at once.

    `changed(collate([item]), …)` is what the transform makes of the item with the same random numbers.
    """

    @property
    @abc.abstractmethod
    def numbers(self) -> int:
        """How many numbers say what is done to an item."""

    @abc.abstractmethod
    def draw(self, rng: np.random.Generator) -> Sequence[float]:
        """These numbers for one item, drawn as the transform draws them."""

    @abc.abstractmethod
    def changed(self, data: Any, rows: Int[Tensor, " rows"], drawn: Float[Tensor, "rows numbers"]) -> Any:
        """The batch with these rows changed, of the same shape; `data` itself is left as it is.

        `rows` and `drawn` lie on the CPU, so that nothing waits for the device.
        """


@final
@dataclass(frozen=True)
class BatchChanges:
    """Changes in a row, each made to an item with its probability.

    Attributes:
        steps: pairs (probability, change).
    """

    steps: tuple[tuple[float, AbstractBatchChange], ...]

    def draw(self, rng: np.random.Generator) -> Float[Tensor, " numbers"]:
        """What is done to one item, drawn as a `Chain` of the same steps draws it.

        Of every step whether it is made, 1 or 0, and its numbers; zeros where it is not.
        """
        drawn = list[float]()
        for probability, change in self.steps:
            made = rng.random() < probability
            drawn += [1.0, *change.draw(rng)] if made else [0.0] * (1 + change.numbers)
        return torch.tensor(drawn, dtype=torch.float64)

    def __call__(self, data: Any, drawn: Float[Tensor, "batch numbers"]) -> Any:
        """The changed batch; what was drawn of its items lies on the CPU."""
        place = 0
        for _, change in self.steps:
            rows = drawn[:, place].nonzero()[:, 0]
            if len(rows):
                data = change.changed(data, rows, drawn[rows, place + 1 : place + 1 + change.numbers])
            place += 1 + change.numbers
        return data

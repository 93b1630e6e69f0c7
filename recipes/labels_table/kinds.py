"""A kind of data with labels, split into what is learned from and what is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gestalt.core.encoder import AbstractEncoder
from gestalt.core.items import AbstractItems
from gestalt.core.transform import Views


@final
@dataclass(frozen=True)
class InMemory(AbstractItems[Any]):
    """Items that are at hand."""

    items: Sequence[Any]
    kind: str

    def __len__(self) -> int:
        return len(self.items)

    def read(self, index: int, rng: np.random.Generator) -> Any:  # noqa: ARG002
        """Item `index`."""
        return self.items[index]

    def name(self, index: int) -> str:
        """Its number."""
        return f"{self.kind} {index + 1}"


@final
@dataclass(frozen=True)
class Labelled:
    """One kind of data for the table.

    Attributes:
        kind: its name.
        question: what the labels say, for the note under the table.
        classes: their names.
        items: to learn from; what they are labelled is shown for a share of them.
        labels: the class of every item, or of every element of every item (−1 pads).
        tried: items that nothing was learned from.
        answers: theirs.
        views: how items are looked at.
        collate: items as a batch.
        encoder: makes a fresh encoder.
        raw: the field's plain features.
        lr: peak learning rate.
    """

    kind: str
    question: str
    classes: tuple[str, ...]
    items: Sequence[Any]
    labels: Int[Tensor, "items ..."]
    tried: Sequence[Any]
    answers: Int[Tensor, "tried ..."]
    views: Views[Any]
    collate: Callable[[Sequence[Any]], Any]
    encoder: Callable[[], AbstractEncoder]
    raw: Callable[[], AbstractEncoder]
    lr: float = 2e-3

    @property
    def of_elements(self) -> bool:
        """Whether elements are labelled rather than items."""
        return self.labels.ndim == 2


def padded(rows: Sequence[Sequence[int]]) -> Int[Tensor, "items elements"]:
    """Labels of elements, −1 behind the last one of every item."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=-1)

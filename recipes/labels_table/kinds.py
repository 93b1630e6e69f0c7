"""A kind of data with labels, split into what is learned from and what is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gestalt.core.data.items import AbstractItems
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch
from gestalt.core.discovery.segmenters import AbstractSegmenter
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.optimization.progress import Progress


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
        segments: where elements are labelled, the number of the object that each belongs to (−1: none), by which the
            table compares and asks; every element is one of its own by default.
        tried_segments: those of the tried items.
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
    segments: Int[Tensor, "items elements"] | None = None
    tried_segments: Int[Tensor, "tried elements"] | None = None

    @property
    def of_elements(self) -> bool:
        """Whether elements are labelled rather than items."""
        return self.labels.ndim == 2

    def objects(self) -> tuple[Int[Tensor, "items elements"], Int[Tensor, "tried elements"]]:
        """The object of every element, of the items to learn from and of the tried ones."""
        if self.segments is None or self.tried_segments is None:
            return every_element(self.labels), every_element(self.answers)
        return self.segments, self.tried_segments


@final
class Segments(AbstractSegmenter):
    """Segments that are known of every item of a data set, looked up by the item's number."""

    def __init__(self, segments: Int[Tensor, "items elements"]) -> None:
        super().__init__()
        self.segments = segments

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """The segments of the batch's items."""
        segments = self.segments.to(batch.index.device)[batch.index]
        return Segmentation.from_labels(segments, int(segments.max()) + 1)

    def follow(self, progress: Progress) -> None:
        """Nothing follows."""


def every_element(labels: Int[Tensor, "items elements"]) -> Int[Tensor, "items elements"]:
    """Every element as an object of its own."""
    return torch.arange(labels.shape[1]).expand(labels.shape)


def padded(rows: Sequence[Sequence[int]]) -> Int[Tensor, "items elements"]:
    """Labels of elements, −1 behind the last one of every item."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=-1)

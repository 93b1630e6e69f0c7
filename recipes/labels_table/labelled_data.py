"""A data set with labels, split into what is learned from and what is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch
from gestalt.core.discovery.segmenters import AbstractSegmenter
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder


@final
@dataclass(frozen=True)
class LabelledData:
    """A column of the table.

    Attributes:
        name: of the data set.
        question: what the labels say, for the note under the table.
        classes: their names.
        modality: of the items.
        views: which views of an item are compared.
        items: to learn from; the labels of a share of them are shown.
        labels: the class of every item, or of every element of every item (−1 pads).
        test_items: items that nothing was learned from.
        test_labels: theirs.
        segments: where elements are labelled, the object of each (−1: none), which is what the table compares and
            tests; by default every element is one of its own.
        test_segments: those of the test items.
        encoder: the name of the encoder.
        encoder_settings: its settings.
        raw_settings: those of the modality's plain features.
        lr: peak learning rate.
    """

    name: str
    question: str
    classes: tuple[str, ...]
    modality: AbstractModality[Any]
    views: Views[Any]
    items: Sequence[Any]
    labels: Int[Tensor, "items ..."]
    test_items: Sequence[Any]
    test_labels: Int[Tensor, "test_items ..."]
    segments: Int[Tensor, "items elements"] | None = None
    test_segments: Int[Tensor, "test_items elements"] | None = None
    encoder: str = "conv"
    encoder_settings: Mapping[str, Any] = field(default_factory=dict)
    raw_settings: Mapping[str, Any] = field(default_factory=dict)
    lr: float = 2e-3

    @property
    def of_elements(self) -> bool:
        """Whether elements are labelled rather than items."""
        return self.labels.ndim == 2

    def fresh_encoder(self, raw: bool) -> AbstractEncoder:
        """The encoder before training, or the plain features."""
        name, settings = ("raw", self.raw_settings) if raw else (self.encoder, self.encoder_settings)
        return self.modality.encoders[name](**settings)

    def objects(self) -> tuple[Int[Tensor, "items elements"], Int[Tensor, "test_items test_elements"]]:
        """The object of every element, of the items to learn from and of the test items."""
        if self.segments is None or self.test_segments is None:
            return every_element(self.labels), every_element(self.test_labels)
        return self.segments, self.test_segments


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


def every_element(labels: Int[Tensor, "items elements"]) -> Int[Tensor, "items elements"]:
    """Every element as an object of its own."""
    return torch.arange(labels.shape[1]).expand(labels.shape)


def padded(rows: Sequence[Sequence[int]]) -> Int[Tensor, "items elements"]:
    """Labels of elements, −1 behind the last one of every item."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=-1)

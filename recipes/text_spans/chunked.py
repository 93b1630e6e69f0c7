"""Spans by a grammar of chunks: first segments, and the fine regions that are merged by what is learned."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.segmenters.base import AbstractSegmenter
from gestalt.modalities.text import Passage, Words
from gestalt.modalities.text.chunks import Chunks


@final
class FromChunks(AbstractSegmenter):
    """Spans as a grammar of chunks has them.

    Args:
        chunks: the grammar, learned.
    """

    def __init__(self, chunks: Chunks) -> None:
        super().__init__()
        self.chunks = chunks

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """The spans of every passage; nothing is drawn at random."""
        labels = self.spans(batch.source.data)
        return Segmentation.from_labels(labels, labels.shape[1])

    def spans(self, data: Words) -> Int[Tensor, "items words"]:
        """The number of every word's span; −1 for words in none, punctuation and padding."""
        return self.chunks.numbered(self.chunks.look(data))


def learned(finder: ObjectFinder, passages: Sequence[Passage], seed: int) -> Chunks:
    """The grammar that cuts the fine regions of a finder, or else a new one, learned from passages of text."""
    source = None if finder.regions is None else finder.regions.source
    chunks = source if isinstance(source, Chunks) else Chunks()
    chunks.fit(passages, seed)
    return chunks

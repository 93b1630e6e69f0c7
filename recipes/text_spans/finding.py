"""Spans from features: the one way of grouping that training, evaluation and discovery share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import Tensor

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import AbstractGrouper, ChangePoints, Contiguous, InOrder, KMeans, Seams
from gestalt.core.discovery.segmenters import AbstractSegmenter
from gestalt.core.experiment import Finder
from gestalt.core.optimization.progress import Progress
from gestalt.modalities.text import MODALITY

from .rules import WithoutPunctuation, from_frequent, hashes_of


@final
@dataclass(frozen=True)
class FinderOptions:
    """How spans are found among the words of a passage."""

    grouper: Literal["seams", "change-points", "k-means"] = "seams"
    """Cuts at weak links between neighbours, exact change points, or k-means decoded into runs."""
    objects: int = 64
    """Greatest number of stretches per passage, or of clusters (k-means)."""
    space: Literal["projected", "hidden"] = "projected"
    """Group the network's projections, or its hidden features."""
    penalty: float = 0.02
    """Change points: the share of a passage's variance that one more stretch must explain."""
    position: float = 0.0
    """k-means: weight of the place in the passage beside the features."""
    learned: float = 1.0
    """Weight of learned features beside the raw ones (with --plain)."""
    plain: bool = False
    """Whether raw features of letters are grouped too; without them it is the encoder's features alone."""
    frequent: int = 100
    """So many words, the most frequent of the training text, begin the spans that training starts with."""

    def build(self, frequent: Sequence[str] = ()) -> Finder:
        """The grouper with the features that it sees; `frequent` are the words that first segments begin with."""
        raw = MODALITY.encoders["raw"]()
        return Finder(
            InOrder(self._grouper()),
            self.space,
            WithoutPunctuation(),
            ConcatFeatures(raw, self.learned) if self.plain else None,
            FromFrequent(frequent),
        )

    def _grouper(self) -> AbstractGrouper:
        if self.grouper == "seams":
            return Seams(self.objects)
        if self.grouper == "change-points":
            return ChangePoints(self.penalty, self.objects, standardise=False)
        return Contiguous(KMeans(self.objects, spherical=False, position=self.position), objects=64)


@final
class FromFrequent(AbstractSegmenter):
    """First segments by a rule for any language with spaces: a span begins where a frequent word follows a rare one.

    Function words are the most frequent of any corpus, and mostly begin what they belong to. Punctuation ends a span.

    Args:
        frequent: the most frequent words of the corpus.
    """

    frequent: Tensor

    def __init__(self, frequent: Sequence[str]) -> None:
        super().__init__()
        self.register_buffer("frequent", hashes_of(frequent))

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """The spans of every passage; nothing is drawn at random."""
        labels = from_frequent(batch.source.data, self.frequent)
        return Segmentation.from_labels(labels, labels.shape[1])

    def follow(self, progress: Progress) -> None:
        """Nothing is learned here."""

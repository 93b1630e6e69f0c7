"""Spans from features: the one way of grouping that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import Any, Literal, final

import torch

from gestalt.core.beside import Beside
from gestalt.core.grouper import AbstractGrouper, ChangePoints, Contiguous, InOrder, KMeans
from gestalt.core.progress import Progress
from gestalt.core.segmentation import Segmentation
from gestalt.core.segmenter import AbstractSegmenter
from gestalt.core.view import Batch
from gestalt.modalities.text import MODALITY

from ..study import Finder
from .rules import WithoutPunctuation, words_of


@final
@dataclass(frozen=True)
class Finding:
    """How spans are found among the words of a passage."""

    grouper: Literal["change-points", "k-means"] = "change-points"
    """Exact change points, or k-means decoded into runs."""
    objects: int = 48
    """Greatest number of stretches per passage (change points), or of clusters (k-means)."""
    penalty: float = 0.02
    """Change points: the share of a passage's variance that one more stretch must explain."""
    position: float = 0.0
    """k-means: weight of the place in the passage beside the features."""
    learned: float = 1.0
    """Weight of learned features beside the raw ones (with --plain)."""
    plain: bool = False
    """Whether raw features of letters are grouped too; without them it is the encoder's hidden features alone."""
    mean: float = 2.0
    """Mean length of the random stretches that training begins with, in words."""

    def build(self) -> Finder:
        """The grouper with the features that it sees."""
        raw = MODALITY.encoders["raw"]()
        return Finder(
            InOrder(self._grouper()),
            "projected" if self.plain else "hidden",
            WithoutPunctuation(),
            Beside(raw, self.learned) if self.plain else None,
            Stretches(self.mean),
        )

    def _grouper(self) -> AbstractGrouper:
        if self.grouper == "change-points":
            return ChangePoints(self.penalty, self.objects, standardise=False)
        return Contiguous(KMeans(self.objects, spherical=False, position=self.position), objects=64)


@final
class Stretches(AbstractSegmenter):
    """Random short stretches of words, new ones at every step; punctuation ends one.

    Groups of raw letters are no better than these (see the page on what was tried), and they teach as well: whatever
    stands in a few words has to be told from what stands elsewhere.
    """

    def __init__(self, mean: float) -> None:
        super().__init__()
        if mean < 1:
            raise ValueError(f"a stretch has at least one word, got mean={mean}")
        self.mean = mean

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """Every word begins a stretch with probability 1 / mean."""
        inside = words_of(batch.source.data)
        starts = inside & (torch.rand(inside.shape, generator=generator).to(inside.device) < 1 / self.mean)
        starts[:, 0] |= inside[:, 0]
        starts[:, 1:] |= inside[:, 1:] & ~inside[:, :-1]
        labels = torch.where(inside, starts.cumsum(dim=1) - 1, -1)
        return Segmentation.from_labels(labels, inside.shape[1])

    def follow(self, progress: Progress) -> None:
        """Nothing is learned here."""

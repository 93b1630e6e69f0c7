"""Events from features: the one way of grouping that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import Any, Literal, final

import torch

from gestalt.core.beside import Beside
from gestalt.core.encoder import AbstractEncoder, Network
from gestalt.core.feature_map import FeatureMap
from gestalt.core.foreground import Foreground
from gestalt.core.grouper import AbstractGrouper, Along, ChangePoints, Contiguous, KMeans
from gestalt.core.modes import evaluating
from gestalt.core.segmentation import Segmentation
from gestalt.core.segmenter import discover


@final
@dataclass(frozen=True)
class Finder:
    """How events are found among the elements of a recording."""

    grouper: Literal["change-points", "k-means"] = "change-points"
    """Exact change points, or k-means decoded into runs."""
    objects: int = 20
    """Greatest number of stretches per window (change points), or of clusters (k-means)."""
    penalty: float = 0.03
    """Change points: the share of a window's variance that one more stretch must explain."""
    position: float = 1.0
    """k-means: weight of time beside the features; 0 ignores when a sound occurs."""
    learned: float = 0.5
    """Weight of learned features beside the log-mel ones; 0 groups log-mel alone."""
    plain: bool = True
    """Whether log-mel features are grouped at all; without them it is the encoder's hidden features alone."""
    quiet: float = 0.25
    """Share of a window's elements, the quietest, that shows its background."""
    reach: float = 1.2
    """Background is what lies within so many typical distances of those."""

    def build(self) -> AbstractGrouper:
        """The grouper."""
        if self.grouper == "change-points":
            return Along(ChangePoints(self.penalty, self.objects, standardise=False))
        return Along(Contiguous(KMeans(self.objects, spherical=False, position=self.position), objects=64))

    def foreground(self, raw: AbstractEncoder) -> Foreground:
        """What tells events from the background; loudness is the mean of the raw log-mel features."""
        return Foreground(raw, self.quiet, self.reach)

    def beside(self, raw: AbstractEncoder) -> Beside | None:
        """Log-mel features beside the learned ones."""
        return Beside(raw, self.learned) if self.plain else None

    def find(self, network: Network, data: Any, raw: AbstractEncoder, seed: int = 0) -> Segmentation:
        """The events of every window; nothing is left of the background."""
        generator = torch.Generator().manual_seed(seed)
        space: Literal["projected", "hidden"] = "projected" if self.plain else "hidden"
        return discover(network, data, self.build(), generator, space, self.foreground(raw), self.beside(raw))


def encode(network: Network, data: Any) -> FeatureMap:
    """Hidden features of a batch, without gradient, in evaluation mode."""
    with evaluating(network):
        return network.encode(data)

"""Events from features: the one way of grouping that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import Literal, final

from gestalt.core.discovery.background import RemoveBackground
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import AbstractGrouper, Along, ChangePoints, Contiguous, KMeans
from gestalt.core.experiment import Finder
from gestalt.core.experiment.finder import plain_first
from gestalt.modalities.audio import MODALITY


@final
@dataclass(frozen=True)
class FinderOptions:
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

    def build(self) -> Finder:
        """The grouper with the features that it sees; loudness is the mean of the raw log-mel features."""
        raw = MODALITY.encoders["raw"]()
        grouper, foreground = self._grouper(), RemoveBackground(raw, self.quiet, self.reach)
        return Finder(
            grouper,
            "projected" if self.plain else "hidden",
            foreground,
            ConcatFeatures(raw, self.learned) if self.plain else None,
            plain_first(raw, grouper, foreground, ConcatFeatures(raw, 0.0)),
        )

    def _grouper(self) -> AbstractGrouper:
        if self.grouper == "change-points":
            return Along(ChangePoints(self.penalty, self.objects, standardise=False))
        return Along(Contiguous(KMeans(self.objects, spherical=False, position=self.position), objects=64))

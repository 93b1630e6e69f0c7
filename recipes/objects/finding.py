"""Objects from features: the one way of grouping that training and discovery share."""

from dataclasses import dataclass
from typing import Any, Literal, final

from gestalt.core.experiment.finder import plain_first

from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import AbstractGrouper, Along, ChangePoints, KMeans
from gestalt.core.experiment import Finder
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.modes import evaluating


@final
@dataclass(frozen=True)
class FinderOptions:
    """How objects are found among the elements of an item."""

    grouper: Literal["auto", "change-points", "k-means"] = "auto"
    """Change points cut a sequence exactly; k-means is for sets and images. auto: by the axes of the elements."""
    objects: int = 12
    """Greatest number of objects per item."""
    penalty: float = 0.03
    """Change points: the share of an item's variance that one more stretch must explain."""
    position: float = 0.0
    """k-means: weight of the place on the grid beside the features."""
    learned: float = 0.5
    """Weight of learned features beside the plain ones; 0 groups plain features alone."""

    def build(self, modality: AbstractModality[Any]) -> Finder:
        """The grouper with the features that it sees: plain ones beside the learned."""
        raw = modality.encoders["raw"]()
        grouper = self._grouper(modality)
        return Finder(
            grouper,
            "projected",
            None,
            ConcatFeatures(raw, self.learned),
            plain_first(raw, grouper, None, ConcatFeatures(raw, 0.0)),
        )

    def _grouper(self, modality: AbstractModality[Any]) -> AbstractGrouper:
        if self.grouper == "change-points" or (self.grouper == "auto" and axes(modality) == 1):
            return Along(ChangePoints(self.penalty, self.objects, standardise=False))
        return KMeans(self.objects, spherical=False, position=self.position)


def axes(modality: AbstractModality[Any]) -> int:
    """On how many axes the elements lie, 0 for a set; a specimen tells."""
    raw = modality.encoders["raw"]()
    with evaluating(raw):
        grid = raw(modality.collate([modality.specimens()[0].item])).grid
    return 0 if grid is None else len(grid.edges)

"""Parts of molecules from features: the one way of grouping that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import Literal, final

from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import AbstractGrouper, KMeans, Regions
from gestalt.core.experiment import Finder
from gestalt.core.experiment.finder import plain_first
from gestalt.modalities.graph import MODALITY


@final
@dataclass(frozen=True)
class FinderOptions:
    """How parts are found among the atoms of a molecule."""

    grouper: Literal["regions", "k-means"] = "regions"
    """Neighbouring atoms that merge while they are alike, or k-means, which knows no bonds."""
    objects: int = 32
    """Greatest number of parts per molecule (regions), or of clusters (k-means)."""
    penalty: float = 1.5
    """Regions: what one more part must explain, in shares of an average atom."""
    learned: float = 0.6
    """Weight of learned features beside the plain ones; 0 groups plain features alone."""
    plain: bool = True
    """Whether plain features are grouped at all; without them it is the encoder's hidden features alone."""

    def build(self) -> Finder:
        """The grouper with the features that it sees."""
        raw = MODALITY.encoders["raw"]()
        grouper = self._grouper()
        beside = ConcatFeatures(raw, self.learned) if self.plain else None
        return Finder(grouper, "hidden", None, beside, plain_first(raw, grouper))

    def _grouper(self) -> AbstractGrouper:
        if self.grouper == "regions":
            return Regions(self.penalty, self.objects)
        return KMeans(self.objects, spherical=not self.plain)

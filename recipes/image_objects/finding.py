"""Objects from features: the one way of grouping that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import Literal, final

from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import AbstractSegmenter, Given
from gestalt.core.experiment import Finder
from gestalt.core.experiment.finder import plain_first
from gestalt.modalities.image import MODALITY, Felzenszwalb, OnCells


@final
@dataclass(frozen=True)
class FinderOptions:
    """How objects are found among the cells of a picture."""

    objects: int = 12
    """Number of clusters per picture."""
    cell: int = 2
    """Pixels a side of the cells whose colours are grouped and that first segments are painted on."""
    position: float = 1.0
    """Weight of place beside the features; 0 ignores where a cell lies."""
    space: Literal["projected", "hidden"] = "hidden"
    """Group the network's projections, or its hidden features."""
    extra_features: Literal["colours", "nothing"] = "colours"
    """Plain features that are grouped beside the learned ones."""
    learned: float = 1.0
    """Weight of learned features beside colours; 0 groups colours alone."""
    first: Literal["colours", "felzenszwalb"] = "felzenszwalb"
    """First segments to learn from: k-means on plain colours and textures, or Felzenszwalb's."""

    def build(self) -> Finder:
        """The grouper with the features that it sees."""
        grouper = KMeans(self.objects, spherical=False, position=self.position)
        colours = MODALITY.encoders["raw"](stride=self.cell, textures=False)
        first: AbstractSegmenter = plain_first(MODALITY.encoders["raw"](stride=self.cell), grouper)
        if self.first == "felzenszwalb":
            first = Given(OnCells(felzenszwalb(), stride=self.cell, objects=16))
        return Finder(
            grouper,
            self.space,
            None,
            ConcatFeatures(colours, self.learned) if self.extra_features == "colours" else None,
            first,
        )


def felzenszwalb() -> Felzenszwalb:
    """Felzenszwalb's segments for scenes of 64 × 64 pixels: the best of those tried on validation scenes."""
    return Felzenszwalb(1000.0, sigma=0.3, min_size=60)

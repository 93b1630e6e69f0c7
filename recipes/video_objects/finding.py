"""Objects from features: the one way of grouping that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import final

from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.experiment import Finder
from gestalt.core.experiment.finder import plain_first
from gestalt.modalities.video import MODALITY


@final
@dataclass(frozen=True)
class FinderOptions:
    """How objects are found among the tubes of a clip: k-means over all frames at once, so that groups are tracks."""

    objects: int = 16
    """Greatest number of objects per clip, parts of the ground included."""
    place: float = 1.0
    """Weight of a tube's place in the picture beside its features."""
    time: float = 0.0
    """Weight of its time; 0 lets an object last as long as the clip."""
    learned: float = 0.5
    """Weight of learned features beside colour and texture; 0 groups these alone."""
    plain: bool = True
    """Whether colour and texture are grouped at all; without them it is the encoder's hidden features alone."""
    cell: int = 2
    """Pixels a side of the tubes whose colour and texture are grouped."""

    def build(self) -> Finder:
        """The grouper with the features that it sees."""
        raw = MODALITY.encoders["raw"](cell=self.cell)
        grouper = KMeans(self.objects, spherical=False, position=(self.time, self.place, self.place))
        return Finder(
            grouper,
            "hidden",  # thousands of tubes a clip would have to be projected
            None,
            ConcatFeatures(raw, self.learned) if self.plain else None,
            plain_first(raw, grouper, extra_features=ConcatFeatures(raw, 0.0)),
        )

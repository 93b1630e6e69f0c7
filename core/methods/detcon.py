"""DetCon as compositions: objects come with the data, or from a rule; they are not discovered."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..data.presence import Presence, Subsample
from ..discovery.segmenters.base import AbstractSegmenter
from ..discovery.segmenters.given import GivenMasks
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, MovingAverage
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.base import AbstractObjective
from .objectives.contrastive import Contrastive
from .settings import Heads

SIXTEEN = Presence(draw=Subsample(objects=16, replacement=True, per_view=True))
"""DetCon's code draws 16 of the masks that exist in a view, with replacement, for every view on its own."""


@final
@dataclass(frozen=True)
class DetConB(AbstractMethod):
    """DetCon-B: tells given objects apart across two views, with a teacher and a predictor as in BYOL.

    Objects are the masks that come with the data (`--masks`), or those of the recipe's rule.

    Source: Hénaff et al., "Efficient visual pretraining with contrastive detection" (2021) and its code. The loss is a
    mean over shared objects here, over all drawn rows there.
    """

    heads: Heads = Heads()
    """Projector and predictor."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""
    objective: AbstractObjective = Contrastive(temperature=0.1, same_view=True)
    """Contrast, with negatives from both views of all items."""
    presence: Presence = SIXTEEN
    """Which objects count in a view."""

    card: ClassVar[MethodCard] = MethodCard(
        "DetCon-B", "Hénaff et al. 2021", "masks", "EMA", "contrast", page="methods/detcon.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        predictor = self.heads.predictor(encoder)
        segments = given_segments(data)
        return learner_of(online, segments, self.objective, self.teacher, predictor=predictor, presence=self.presence)


@final
@dataclass(frozen=True)
class DetConS(AbstractMethod):
    """DetCon-S: the same objects told apart as in SimCLR, by one network for both views and without a predictor.

    Source: as `DetConB`; that encoder and projector are shared is published, the widths of the head are recalled from
    the paper and were not checked against it.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    objective: AbstractObjective = Contrastive(temperature=0.1, same_view=True)
    """Contrast, with negatives from both views of all items."""
    presence: Presence = SIXTEEN
    """Which objects count in a view."""

    card: ClassVar[MethodCard] = MethodCard(
        "DetCon-S", "Hénaff et al. 2021", "masks", "the network itself", "contrast", page="methods/detcon.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        return learner_of(online, given_segments(data), self.objective, None, presence=self.presence)


def given_segments(data: DataInfo) -> AbstractSegmenter:
    """The recipe's first segments, or the masks that come with the data."""
    return GivenMasks() if data.first_segments is None else data.first_segments


def segmenter_of(compares: Literal["items", "segments"], data: DataInfo) -> AbstractSegmenter:
    """For methods that compare whole items by default, and objects just as well."""
    return WholeItem() if compares == "items" else given_segments(data)

"""Odin started from first segments by a rule, as the recipes train it in minutes."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import CountOrNone, Positive, Weight
from ..discovery.segmenters.base import AbstractSegmenter
from ..discovery.segmenters.discovery import Discovery
from ..discovery.segmenters.switch_at import SwitchAt
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, CopyEvery, Follower, MovingAverage
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.combined import weighted
from .objectives.contrastive import Contrastive
from .objectives.regression import Regression
from .odin import discovery_network
from .settings import Heads


@final
@dataclass(frozen=True)
class OdinWarmStart(AbstractMethod):
    """Odin, warm start: compares the segments of a rule first, and discovered ones from a step on.

    Source: ours. It departs from Odin in three ways: first segments come from the recipe's rule or from masks of the
    data; objects are found as the recipe finds them; regression may join the contrast. For short runs heads are small,
    and teacher and discovery network follow sooner.
    """

    contrast: Weight = 1.0
    """Weight of contrast between objects."""
    regression: Weight = 0.0
    """Weight of regression onto the teacher's objects."""
    temperature: Positive = 0.1
    """Temperature of the contrast."""
    switch: CountOrNone = 200
    """Steps with first segments before discovered ones take over."""
    heads: Heads = Heads(256, 128)
    """Projector and predictor."""
    teacher: AbstractRule = MovingAverage(0.99)
    """How the teacher follows."""
    discovery: AbstractRule = CopyEvery(100, "steps")
    """How the discovery network follows."""

    card: ClassVar[MethodCard] = MethodCard(
        "Odin, warm start",
        "ours",
        "a rule's segments, then discovered",
        "EMA",
        "contrast, regression, or both",
        page="methods/odin.md#odin-warm-start",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        teacher = Follower(online, self.teacher)
        segments = self._segments(online, teacher, data)
        objective = weighted((self.contrast, Contrastive(self.temperature)), (self.regression, Regression()))
        return learner_of(online, segments, objective, teacher, self.heads.predictor(encoder))

    def _segments(self, online: Network, teacher: Follower, data: DataInfo) -> AbstractSegmenter:
        if data.finder is None:
            raise ValueError("odin-warm-start finds objects as a recipe does, and there is none: DataInfo(finder=…)")
        found = Discovery(discovery_network(online, teacher, self.discovery), data.finder)
        return found if data.first_segments is None else SwitchAt(data.first_segments, found, self.switch)

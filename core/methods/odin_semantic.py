"""Odin with semantic positives: discovered objects, compared as SemPPL compares items."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..discovery.finder import ObjectFinder
from ..discovery.groupers.kmeans import KMeans
from ..discovery.segmenters.discovery import Discovery
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, CopyEvery, Follower, MovingAverage
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .odin import discovery_network
from .settings import Heads, SemanticSettings


@final
@dataclass(frozen=True)
class OdinSemantic(AbstractMethod):
    """Odin with semantic positives: an object's positives are labelled objects of its class too, in other items.

    Source: ours; Odin's objects, SemPPL's objective.
    """

    heads: Heads = Heads()
    """Projector and predictor."""
    semantic: SemanticSettings = SemanticSettings()
    """Semantic positives: weights, pseudo-labels, queue."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""
    discovery: AbstractRule = CopyEvery(10)
    """How the discovery network follows."""
    finder: ObjectFinder = ObjectFinder(KMeans(objects=16))
    """How objects are found in the discovery network's features."""

    card: ClassVar[MethodCard] = MethodCard(
        "Odin with semantic positives",
        "ours",
        "discovered objects",
        "EMA",
        "semantic positives",
        "classes",
        page="methods/odin.md#odin-with-semantic-positives",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        teacher = Follower(online, self.teacher)
        return learner_of(
            online,
            Discovery(discovery_network(online, teacher, self.discovery), self.finder),
            self.semantic.objective(data.batch, self.heads.width(encoder), data.large_views),
            teacher,
            predictor=self.heads.predictor(encoder),
            teacher_views=data.large_views,
        )

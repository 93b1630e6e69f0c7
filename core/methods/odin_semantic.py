"""Odin with semantic positives: discovered objects, compared as SemPPL compares items."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Count, Positive, Weight, Width, check_ranges
from ..discovery.finder import ObjectFinder
from ..discovery.groupers.kmeans import KMeans
from ..discovery.segmenters.discovery import Discovery
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, CopyEvery, Follower, MovingAverage
from .compose import head, learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.queue import Queue
from .objectives.semantic import Semantic
from .odin import discovery_network


@final
@dataclass(frozen=True)
class OdinSemantic(AbstractMethod):
    """Odin with semantic positives: an object's positives are labelled objects of its class too, in other items.

    Source: ours; Odin's objects, SemPPL's objective.
    """

    hidden: Width = 4096
    """Width of the heads' hidden layer."""
    projection: Width = 256
    """Length of the projected vectors."""
    temperature: Positive = 0.2
    """Temperature τ."""
    alpha: Weight = 0.2
    """α, the weight of semantic positives."""
    queue_batches: Count = 10
    """Batches of labelled embeddings that the queue holds."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""
    discovery: AbstractRule = CopyEvery(epochs=10)
    """How the discovery network follows."""
    finder: ObjectFinder = ObjectFinder(KMeans(objects=16))
    """How objects are found in the discovery network's features."""

    card: ClassVar[MethodCard] = MethodCard(
        "Odin with semantic positives",
        "ours: Odin's objects, SemPPL's objective",
        "objects discovered by a network that follows the online one",
        "moving average",
        "contrast with semantic positives from labelled objects",
        "two of one source view",
        "classes",
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = Network(encoder, head(encoder.dim, self.hidden, self.projection))
        teacher = Follower(online, self.teacher)
        queue = Queue(self.queue_batches * data.batch, self.projection, data.large_views)
        return learner_of(
            online,
            Discovery(discovery_network(online, teacher, self.discovery), self.finder),
            Semantic(queue, self.temperature, self.alpha),
            teacher,
            predictor=head(self.projection, self.hidden, self.projection),
            teacher_views=data.large_views,
        )

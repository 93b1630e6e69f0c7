"""SimMatch as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Count, Positive, Share, Weight
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, MovingAverage
from ..networks.heads import EmbeddingAndClasses
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.simmatch import SimMatch as Objective
from .settings import Heads, Inputs


@final
@dataclass(frozen=True)
class SimMatch(AbstractMethod):
    """SimMatch: a view agrees with the teacher on its class and on the labelled items that it is like.

    Source: Zheng et al. (2022) and their code: a head of 2048 and 128 beside a linear classifier, τ = 0.1, κ = 0.7, a
    teacher with a decay of 0.999 that does not rise. Deviations: the weak view is the untransformed item, which the
    teacher sees, and strong views are the modality's, also of labelled items (theirs are weak); batch normalisation of
    the head, over all ranks (theirs has none, and shuffles batches between devices).
    """

    heads: Heads = Heads(2048, 128)
    """Projector, beside which the classifier stands."""
    temperature: Positive = 0.1
    """Temperature τ of both networks."""
    threshold: Share = 0.7
    """κ: what the teacher is less sure of is not learned from."""
    keep: Share = 0.9
    """α: how much of a view's class is its own; the rest is that of the labelled items that it is like."""
    pseudo_labels: Weight = 10.0
    """Weight of the teacher's classes."""
    instances: Weight = 5.0
    """Weight of the teacher's similarities."""
    batches: Count = 256
    """So many batches say how often each class is guessed."""
    teacher: AbstractRule = MovingAverage(0.999, schedule="constant")
    """How the teacher follows."""
    inputs: Inputs = Inputs("source")
    """What the two networks see."""

    card: ClassVar[MethodCard] = MethodCard(
        "SimMatch",
        "Zheng et al. 2022",
        "the whole item",
        "EMA",
        "semantic and instance similarity",
        "classes",
        page="methods/simmatch.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner; its memory has a place for every item.

        Raises:
            ValueError: if there are no classes, or no projector.
        """
        if data.target is None:
            raise ValueError("SimMatch learns from classes of some items, and there are none: give them with --labels")
        if self.heads.projection is None:
            raise ValueError("SimMatch compares projections: give --method.heads.projection a length")
        classes, width = data.target.outputs, self.heads.projection
        online = Network(encoder, EmbeddingAndClasses(encoder.dim, self.heads.hidden, width, classes))
        objective = Objective(
            data.items,
            width,
            classes,
            self.temperature,
            self.threshold,
            self.keep,
            self.pseudo_labels,
            self.instances,
            self.batches,
        )
        return learner_of(
            online, WholeItem(), objective, self.teacher, inputs=self.inputs, teacher_views=data.large_views
        )

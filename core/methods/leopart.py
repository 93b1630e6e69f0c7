"""Leopart as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import CountOrNone, Positive, PositiveShare, Rounds, Width
from ..discovery.segmenters import AbstractSegmenter, Attended, EveryElement
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage, Shared
from ..networks.heads import DeepMLP
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.assignments import Balanced
from .objectives.distillation import Distillation


@final
@dataclass(frozen=True)
class Leopart(AbstractMethod):
    """Leopart: elements are clustered, and each view predicts the teacher's clusters of the elements that both show.

    Source: Ziegler and Asano, "Self-supervised learning of object parts for semantic segmentation" (2022), and its
    code: a head of 2048 and 256, 300 prototypes, τ = 0.1, ε = 0.05, 3 iterations, a decay from 0.9995, the foreground
    by 60 % of the attention. Deviations: views are interpolated at the centres of the elements of the source, as
    RoI-align does, and before the head (in a set: the mean of what shows an element), where the paper interpolates
    clusters and scores on 7 × 7 points of what two views share; elements are balanced after that; no queue of
    elements, of which a batch has many; all elements are compared unless a foreground is asked for, since few encoders
    have attention.
    """

    hidden: Width = 2048
    """Width of the head's hidden layers."""
    bottleneck: Width = 256
    """Length of the vectors that are compared with the prototypes."""
    prototypes: Width = 300
    """Number of prototypes K, clusters of elements."""
    temperature: Positive = 0.1
    """Temperature τ of the student."""
    epsilon: Positive = 0.05
    """ε of Sinkhorn–Knopp: the smaller, the harder the assignments."""
    iterations: Rounds = 3
    """Iterations of Sinkhorn–Knopp."""
    frozen_epochs: CountOrNone = 0
    """Epochs in which the student's prototypes are not trained."""
    teacher: AbstractRule = MovingAverage(0.9995)
    """How the teacher follows."""
    foreground: PositiveShare | None = None
    """Compare only the elements that hold so much of the teacher's attention, 0.6 in the paper; none: all."""

    card: ClassVar[MethodCard] = MethodCard(
        "Leopart", "Ziegler and Asano 2022", "every element", "EMA", "self-distillation", page="methods/leopart.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner.

        Raises:
            ValueError: if a foreground is asked for, and the encoder gives no attention.
        """
        online = Network(encoder, DeepMLP(encoder.dim, self.hidden, self.bottleneck))
        teacher = Follower(online, self.teacher)
        segmenter: AbstractSegmenter = EveryElement(Shared(teacher.network), at_centres=True)
        if self.foreground is not None:
            segmenter = Attended(segmenter, Shared(teacher.network), self.foreground)
        objective = Distillation(
            self.bottleneck,
            self.prototypes,
            Balanced(self.iterations),
            self.teacher,
            self.temperature,
            self.epsilon,
            self.epsilon,
            0,
            self.frozen_epochs,
        )
        return learner_of(online, segmenter, objective, teacher, teacher_views=data.large_views)

"""A method: DINO."""

from dataclasses import dataclass
from typing import ClassVar, final

from gestalt import (
    AbstractEncoder,
    AbstractMethod,
    AbstractRule,
    DataInfo,
    Heads,
    Learner,
    MethodCard,
    MovingAverage,
    WholeItem,
)
from gestalt.core.components.ranges import CountOrNone, Positive, Share, Width
from gestalt.core.methods.compose import learner_of, task_of

from .dino_objective import Dino, Prototypes, Warmup


@final
@dataclass(frozen=True)
class DINO(AbstractMethod):
    """DINO: the online network predicts to which prototypes the teacher assigns the other view; no negatives.

    Source: Caron et al. (2021). Deviation: the head is that of the other methods, with one hidden layer and batch
    normalisation in place of three layers without.
    """

    heads: Heads = Heads(2048, 256)
    """Projector, before the prototypes."""
    prototypes: Width = 65536
    """Number of prototypes."""
    temperature: Positive = 0.1
    """Temperature τ of the online network."""
    teacher_temperature: Warmup = Warmup()
    """Temperature τ' of the teacher."""
    momentum: Share = 0.9
    """How much of itself the centre keeps at a step."""
    freeze: CountOrNone = 1
    """Epochs during which the prototypes are not trained."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""
    task: bool = False
    """Learn from the labels of labelled items at the same time."""

    card: ClassVar[MethodCard] = MethodCard(
        "DINO", "Caron et al. 2021", "the whole item", "EMA", "assignment to prototypes"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online, width = self.heads.network(encoder), self.heads.width(encoder)
        objective = Dino(
            Prototypes(width, self.prototypes),
            self.teacher,
            self.temperature,
            self.teacher_temperature,
            self.momentum,
            self.freeze,
        )
        task = task_of(data, width) if self.task else None
        return learner_of(online, WholeItem(), objective, self.teacher, task=task, teacher_views=data.large_views)

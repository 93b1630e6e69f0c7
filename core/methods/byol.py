"""BYOL as a composition."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Width, check_ranges
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, MovingAverage
from .adversary import Adversary
from .compose import head, learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.base import AbstractObjective
from .objectives.regression import Regression


@final
@dataclass(frozen=True)
class BYOL(AbstractMethod):
    """BYOL: the online network predicts the teacher's view of the same item; no negatives.

    Source: Grill et al., "Bootstrap your own latent" (2020): heads of 4096 and 256, τ from 0.996 to 1. The patent
    application, [0016], [0023], [0073], [0075] and [0082], names the options.
    """

    hidden: Width = 4096
    """Width of the heads' hidden layer."""
    projection: Width | None = 256
    """Length of the projected vectors; None predicts representations themselves."""
    predictor: bool = True
    """Whether the online side has a predictor; without, projections are compared."""
    teacher: AbstractRule | None = MovingAverage(0.996)
    """How the teacher follows; none: the online network itself."""
    objective: AbstractObjective = Regression()
    """Distance between prediction and target, and its directions."""
    teacher_sees: Literal["views", "source"] = "views"
    """The teacher sees the other view, or the untransformed item."""
    adversary: Adversary | None = None
    """Makes the first view hard to predict from."""
    task: bool = False
    """Learn from the labels of labelled items at the same time."""

    card: ClassVar[MethodCard] = MethodCard(
        "BYOL", "Grill et al. 2020", "the whole item", "moving average", "regression onto the teacher"
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = Network(encoder, head(encoder.dim, self.hidden, self.projection))
        width = self.projection or encoder.dim
        return learner_of(
            online,
            WholeItem(),
            self.objective,
            self.teacher,
            predictor=head(width, self.hidden, width) if self.predictor else None,
            task=task_of(data, width) if self.task else None,
            teacher_sees=self.teacher_sees,
            adversary=self.adversary,
        )

"""BYOL as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, MovingAverage
from .compose import learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.base import AbstractObjective
from .objectives.regression import Regression
from .settings import Heads, Inputs


@final
@dataclass(frozen=True)
class BYOL(AbstractMethod):
    """BYOL: the online network predicts the teacher's view of the same item; no negatives.

    Source: Grill et al., "Bootstrap your own latent" (2020): heads of 4096 and 256, τ from 0.996 to 1. The patent
    application, [0016], [0023], [0073], [0075] and [0082], names the options.
    """

    heads: Heads = Heads()
    """Projector and predictor."""
    predictor: bool = True
    """Whether the online side has a predictor; without, projections are compared."""
    teacher: AbstractRule | None = MovingAverage(0.996)
    """How the teacher follows; none: the online network itself."""
    objective: AbstractObjective = Regression()
    """Distance between prediction and target, and its directions."""
    inputs: Inputs = Inputs()
    """What the two networks see."""
    task: bool = False
    """Learn from the labels of labelled items at the same time."""

    card: ClassVar[MethodCard] = MethodCard(
        "BYOL", "Grill et al. 2020", "the whole item", "EMA", "regression", page="methods/byol.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        predictor = self.heads.predictor(encoder) if self.predictor else None
        task = task_of(data, self.heads.width(encoder)) if self.task else None
        return learner_of(online, WholeItem(), self.objective, self.teacher, predictor, task, self.inputs)

"""ReLIC v2 as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, MovingAverage
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.base import AbstractObjective
from .objectives.relic import Relic
from .settings import Heads


@final
@dataclass(frozen=True)
class ReLIC(AbstractMethod):
    """ReLIC v2: contrast with a few negatives, and predictions that do not depend on the view.

    Source: Tomasev et al., "Pushing the limits of self-supervised ResNets" (2022): 0.3 contrast + 5 invariance, ten
    negatives, τ = 0.2, heads and moving average as BYOL, four large and two small views. The background removal of its
    views belongs to the modality.
    """

    heads: Heads = Heads()
    """Projector and predictor."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""
    objective: AbstractObjective = Relic()
    """Contrast and invariance, with their weights and negatives."""

    card: ClassVar[MethodCard] = MethodCard(
        "ReLIC v2", "Tomasev et al. 2022", "the whole item", "EMA", "contrast and invariance", page="methods/relic.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        predictor = self.heads.predictor(encoder)
        return learner_of(
            online, WholeItem(), self.objective, self.teacher, predictor=predictor, teacher_views=data.large_views
        )

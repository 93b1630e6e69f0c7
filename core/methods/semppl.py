"""SemPPL as a composition, on whole items and on discovered objects."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, MovingAverage
from .compose import learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .settings import Heads, Inputs, SemanticSettings


@final
@dataclass(frozen=True)
class SemPPL(AbstractMethod):
    """SemPPL: an item's positives are its own views and labelled items of the same class, guessed where unknown.

    Source: the patent application (WO 2023/222889). Widths and the moving average are those of BYOL, whose networks
    the authors use. The preset `semppl-invariant` has the weights of the paper.
    """

    heads: Heads = Heads()
    """Projector and predictor."""
    semantic: SemanticSettings = SemanticSettings()
    """Semantic positives: weights, pseudo-labels, queue."""
    task: bool = False
    """Train a task network on the labelled items at the same time (claims 17 and 18)."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""
    inputs: Inputs = Inputs()
    """What the two networks see."""

    card: ClassVar[MethodCard] = MethodCard(
        "SemPPL",
        "Bošnjak et al. 2022",
        "the whole item",
        "EMA",
        "semantic positives",
        "classes",
        page="methods/semppl.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner; its queue holds a multiple of the batch over all ranks."""
        task = task_of(data, self.heads.width(encoder)) if self.task else None
        online = self.heads.network(encoder)
        objective = self.semantic.objective(data.batch, self.heads.width(encoder), data.large_views)
        return learner_of(
            online,
            WholeItem(),
            objective,
            self.teacher,
            predictor=self.heads.predictor(encoder),
            teacher_views=data.large_views,
            task=task,
            inputs=self.inputs,
        )

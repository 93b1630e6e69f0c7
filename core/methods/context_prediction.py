"""Prediction of how two elements lie to one another."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

from ..components.ranges import Between, Count, Width
from ..networks.encoder import AbstractEncoder, Network
from .element_tasks.context import ContextPrediction as Task
from .element_tasks.learner import ElementLearner
from .element_tasks.relations import RELATIONS
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class ContextPrediction(AbstractMethod):
    """Context prediction: the network tells how two elements of an item lie to one another.

    In which of the 8 directions a cell of a picture lies (2 in a sequence, 26 in a clip), or how many edges apart two
    nodes are.

    Source: Doersch et al., "Unsupervised visual representation learning by context prediction" (2015): a hidden layer
    of 4096 on both vectors. Deviations: elements are cells of one feature map. Encoders in two steps see each element
    alone and not where it is, as the paper's network sees two patches; others see as far as they reach, which makes the
    task easier than it should be. Patches are not jittered, nor their colours changed.
    """

    hidden: Width = 4096
    """Width of the classifier's hidden layer."""
    pairs: Count = 16
    """Pairs of elements that are drawn of every item."""
    gap: Count = 2
    """Cells from one element to the other: with 2 there is one in between."""
    hops: Annotated[int, Between(2, RELATIONS)] = 4
    """Distances along edges that are told apart; the last is all that are longer."""
    alone: bool = True
    """Encoders in two steps see the two elements alone, and not what lies around them."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views, in which left may be right."""

    card: ClassVar[MethodCard] = MethodCard(
        "context prediction",
        "Doersch et al. 2015",
        "pairs of elements",
        "none",
        "how they lie to one another",
        page="methods/context-prediction.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> ElementLearner:
        """The learner."""
        task = Task(encoder.dim, self.hidden, self.pairs, self.gap, self.hops, self.alone, data.sequence)
        return ElementLearner(Network(encoder), task, self.sees)

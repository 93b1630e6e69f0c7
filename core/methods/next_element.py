"""Prediction of the elements that come next."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Count
from ..networks.encoder import AbstractEncoder, Network
from .element_tasks.base import in_sequence, in_two_steps
from .element_tasks.learner import ElementLearner
from .element_tasks.next import NextElement as Task
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class NextElement(AbstractMethod):
    """Next-element prediction: what was seen of a sequence tells which elements are some steps ahead.

    Source: van den Oord et al., "Representation learning with contrastive predictive coding" (CPC, 2018): 12 steps, a
    linear map for each, InfoNCE by the scalar product. Deviations: the encoder itself sums up what was seen, by its
    second step on the elements up to a moment (theirs is a recurrent network beside it); one moment is drawn of every
    item, and wrong elements are those of other items at the same step (and of other rows of a grid) that differ from
    the right one.
    """

    steps: Count = 12
    """How many steps ahead are predicted."""
    cuts: Count = 1
    """Moments up to which an item is seen that are drawn of it; each costs a pass of the second step."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "next-element prediction",
        "van den Oord et al. 2018",
        "elements ahead",
        "none",
        "contrast with other elements",
        page="methods/next-element.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> ElementLearner:
        """The learner.

        Raises:
            ValueError: if elements do not follow one another, or the encoder has one step alone.
        """
        in_sequence(data, "next-element prediction")
        in_two_steps(encoder, data, "next-element prediction")
        return ElementLearner(Network(encoder), Task(encoder.dim, self.steps, self.cuts), self.sees)

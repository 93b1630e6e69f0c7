"""Prediction of the elements that lie near."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Count
from ..networks.encoder import AbstractEncoder, Network
from .element_tasks.base import in_sequence, in_two_steps
from .element_tasks.learner import ElementLearner
from .element_tasks.near import SkipGram as Task
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class SkipGram(AbstractMethod):
    """Skip-gram: an element tells which elements lie near it in a sequence.

    Source: Mikolov et al., "Efficient estimation of word representations in vector space" and "Distributed
    representations of words and phrases" (2013): a window of 5. Deviations: the element is encoded by the network,
    which sees nothing else; wrong elements are the others of the batch, in a soft-max (theirs are drawn by frequency,
    each with a logistic loss).
    """

    window: Count = 5
    """How far away a predicted element may lie."""
    centres: Count = 8
    """Elements that are drawn of every item, each with one in its window."""
    sees: Literal["source", "views"] = "source"
    """The untransformed item, or each of its views."""

    card: ClassVar[MethodCard] = MethodCard(
        "skip-gram",
        "Mikolov et al. 2013",
        "elements and their neighbours",
        "none",
        "contrast with other elements",
        page="methods/skip-gram.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> ElementLearner:
        """The learner.

        Raises:
            ValueError: if elements do not follow one another, or the encoder has one step alone.
        """
        in_sequence(data, "skip-gram")
        in_two_steps(encoder, data, "skip-gram")
        return ElementLearner(Network(encoder), Task(encoder.dim, self.window, self.centres), self.sees)

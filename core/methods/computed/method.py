"""Computed targets as a method."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ...components.ranges import Weight, Width
from ...networks.encoder import AbstractEncoder, Network
from ..method import AbstractMethod, DataInfo, MethodCard
from .head import ComputedHead
from .learner import ComputedLearner


@final
@dataclass(frozen=True)
class Computed(AbstractMethod):
    """Computed targets: predicts what can be computed from an item and from its elements, without any labels.

    What is computed from an item is up to its modality: descriptors of a molecule, statistics of a sound. From an
    element it is the modality's plain features. Every number is turned into its normal score over the training items.

    Source: ours; descriptors of molecules as targets: CheMeleon (Burns et al. 2025) and earlier work. That other
    objectives learn beside it is ours.
    """

    beside: AbstractMethod | None = None
    """A method that learns at the same time, with the same network; none: computed targets alone."""
    weight: Weight = 1.0
    """Weight of computed targets beside the other method's loss."""
    of: Literal["auto", "items", "elements", "both"] = "auto"
    """From what targets are computed; auto: from items, where their modality computes anything, otherwise from
    elements."""
    sees: Literal["source", "views"] = "source"
    """From what they are predicted: the untransformed item, or each of its views."""
    hidden: Width = 256
    """Width of the hidden layers of the heads."""

    card: ClassVar[MethodCard] = MethodCard(
        "computed targets",
        "ours",
        "nothing",
        "none",
        "prediction of what is computed",
        computed=True,
        page="methods/computed.md",
    )

    @property
    def title(self) -> str:
        """What tables call it."""
        return self.card.title if self.beside is None else f"{self.beside.card.title}, with computed targets"

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> ComputedLearner:
        """The learner.

        Raises:
            ValueError: if nothing is computed from the data, or beside it are computed targets again.
        """
        if isinstance(self.beside, Computed):
            raise ValueError("beside computed targets learns another method, got computed targets again")
        known = data.computed
        if known is None or (self.of in ("items", "both") and known.scores is None):
            raise ValueError(
                "nothing is computed from these items: their modality names no computed targets of items (the "
                "protocol ComputesTargets); --method.of elements predicts plain features of elements"
            )
        beside = None if self.beside is None else self.beside.build(encoder, data)
        online = Network(encoder) if beside is None else beside.online
        items = elements = None
        if known.scores is not None and self.of != "elements":
            items = ComputedHead.of(2 * encoder.dim, self.hidden, known.scores, known.names)
        if known.plain_scores is not None and (self.of in ("elements", "both") or items is None):
            elements = ComputedHead.of(encoder.dim, self.hidden, known.plain_scores)
        plain = None if elements is None else known.plain
        return ComputedLearner(online, items, elements, plain, beside, self.weight, self.sees)

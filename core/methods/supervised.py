"""The baselines that know the labels."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Positive, Width, check_ranges
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from .compose import head, learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.supervised import Nothing, SupervisedContrastive


@final
@dataclass(frozen=True)
class Supervised(AbstractMethod):
    """Supervised training on the labelled items, with the views as augmentation: the loss of the target.

    The projector is kept, so that the network differs from the others in what it knows alone.
    """

    hidden: Width = 4096
    """Width of the head's hidden layer."""
    projection: Width = 256
    """Length of the projected vectors."""

    card: ClassVar[MethodCard] = MethodCard(
        "supervised",
        "the baseline",
        "the whole item",
        "none",
        "cross-entropy of labels, or squared error of values",
        "any number",
        "anything",
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = Network(encoder, head(encoder.dim, self.hidden, self.projection))
        task = task_of(data, self.projection)
        return learner_of(online, WholeItem(), Nothing(), None, teacher_views=0, task=task)


@final
@dataclass(frozen=True)
class SupervisedContrast(AbstractMethod):
    """Supervised contrastive learning: all items of a class are one another's positives.

    Source: Khosla et al. (2020): a head of 2048 and 128, τ = 0.1. Unlabelled items are learned from as SimCLR does.
    """

    hidden: Width = 2048
    """Width of the head's hidden layer."""
    projection: Width = 128
    """Length of the projected vectors."""
    temperature: Positive = 0.1
    """Temperature τ."""

    card: ClassVar[MethodCard] = MethodCard(
        "supervised contrastive",
        "Khosla et al. 2020",
        "the whole item",
        "the online network itself",
        "contrast with all items of a class as positives",
        labels="classes",
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:  # noqa: ARG002
        """The learner."""
        online = Network(encoder, head(encoder.dim, self.hidden, self.projection))
        return learner_of(online, WholeItem(), SupervisedContrastive(self.temperature), None)

"""The baselines that know the labels."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Positive
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from .compose import learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.supervised import Nothing, SupervisedContrastive
from .settings import Heads


@final
@dataclass(frozen=True)
class Supervised(AbstractMethod):
    """Supervised training on the labelled items, with the views as augmentation: the loss of the target.

    The projector is kept, so that the network differs from the others in what it knows alone.
    """

    heads: Heads = Heads()
    """Projector."""

    card: ClassVar[MethodCard] = MethodCard(
        "supervised",
        "baseline",
        "the whole item",
        "none",
        "the target's loss",
        "anything",
        page="methods/supervised.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        task = task_of(data, self.heads.width(encoder))
        online = self.heads.network(encoder)
        return learner_of(online, WholeItem(), Nothing(), None, teacher_views=0, task=task)


@final
@dataclass(frozen=True)
class SupervisedContrast(AbstractMethod):
    """Supervised contrastive learning: all items of a class are one another's positives.

    Source: Khosla et al. (2020): a head of 2048 and 128, τ = 0.1. Unlabelled items are learned from as SimCLR does.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    temperature: Positive = 0.1
    """Temperature τ."""

    card: ClassVar[MethodCard] = MethodCard(
        "supervised contrastive",
        "Khosla et al. 2020",
        "the whole item",
        "the network itself",
        "contrast by class",
        "classes",
        page="methods/supervised.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:  # noqa: ARG002
        """The learner."""
        online = self.heads.network(encoder)
        return learner_of(online, WholeItem(), SupervisedContrastive(self.temperature))

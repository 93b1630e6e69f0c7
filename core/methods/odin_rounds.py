"""Odin in rounds: segments of the whole training set are found, kept and learned from, again and again."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Positive, Weight
from ..data.transplants import Transplants
from ..discovery.segmenters.in_rounds import InRounds, Rounds
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Shared
from ..networks.levels import level_of
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.combined import weighted
from .objectives.contrastive import Contrastive
from .objectives.elements import ElementsToObjects
from .settings import Heads


@final
@dataclass(frozen=True)
class OdinRounds(AbstractMethod):
    """Odin in rounds: every element is compared with the objects of its item, which the last round's network found.

    Where an encoder has levels, elements are compared on the one that the finder groups, and pooled objects may be
    compared on another: what belongs together within an item, and what something is wherever it is found.

    Source: Odin, [0037] and [0087], for rounds (λ = 1 every n epochs). Elements against objects, objects set into other
    items, segments kept between rounds, and first segments by a rule are ours.
    """

    elements: Weight = 1.0
    """Weight of the comparison of elements with the objects of their item."""
    contrast: Weight = 0.0
    """Weight of contrast between pooled objects, of the item and of all others."""
    contrast_level: str | None = None
    """The level of the encoder's vectors that pooled objects are compared on, where it has levels; none: all."""
    temperature: Positive = 0.1
    """Temperature of both."""
    rounds: Rounds = Rounds()
    """When segments are found anew."""
    transplants: Transplants | None = Transplants()
    """Objects of other items that are set into an item; none: items as they are."""
    background: bool = False
    """What belongs to no object is compared as one more object of its item, so that objects are told from it."""
    heads: Heads = Heads(256, 128)
    """The projector of pooled objects; elements have none."""
    teacher: AbstractRule | None = None
    """How the teacher follows; none: one network on both sides."""

    card: ClassVar[MethodCard] = MethodCard(
        "Odin, rounds",
        "ours",
        "a rule's segments, then discovered, kept between rounds",
        "none",
        "elements",
        page="methods/odin.md#odin-rounds",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        if data.finder is None:
            raise ValueError("odin-rounds finds objects as a recipe does, and there is none: DataInfo(finder=…)")
        compared = level_of(encoder, self.contrast_level)
        online = self.heads.network(encoder, compared) if self.contrast else Network(encoder)
        grouped = level_of(encoder, data.finder.level)
        of_elements = ElementsToObjects(self.temperature, first=grouped.first, dims=grouped.dims)
        terms = (self.elements, of_elements), (self.contrast, Contrastive(self.temperature))
        segments = InRounds(Shared(online), data.finder, data.first_segments, self.rounds, self.background)
        return learner_of(online, segments, weighted(*terms), self.teacher)

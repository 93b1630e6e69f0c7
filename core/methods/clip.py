"""CLIP as a composition."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Positive
from ..networks.encoder import AbstractEncoder
from .compose import learner_of
from .detcon import segmenter_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.contrastive import Contrastive
from .settings import Heads


@final
@dataclass(frozen=True)
class CLIP(AbstractMethod):
    """CLIP: each view shows one part of an item, such as its caption or its picture, and the parts of an item find one
    another among those of all items.

    Source: Radford et al., "Learning transferable visual models from natural language supervision" (2021): a linear
    projection of each part, a learned temperature that begins at 0.07 and stays at or above 0.01, negatives from the
    other part. Deviations: items with more than two parts have a view for each, all pairs are compared; the loss is the
    sum of both directions, where CLIP takes their mean.
    """

    heads: Heads = Heads(projection=None)
    """Projector beside the encoder's own projection of each part; none."""
    temperature: Positive = 0.07
    """Temperature τ at the start."""
    learned: bool = True
    """Whether the temperature is trained."""
    same_view: bool = False
    """Whether the same part of other items are negatives too, as in SimCLR."""
    parts: tuple[str, ...] = ()
    """The part that each view shows; none: a view for every part."""
    compares: Literal["items", "segments"] = "items"
    """What finds its counterpart in the other part: whole items, or the objects that span parts: those of the recipe's
    rule, or the masks that come with the data."""
    same_item: bool = True
    """Whether the other objects of an item are negatives."""

    card: ClassVar[MethodCard] = MethodCard(
        "CLIP",
        "Radford et al. 2021",
        "the parts of an item",
        "the network itself",
        "contrast between parts",
        page="methods/clip.md",
    )

    @property
    def title(self) -> str:
        """What tables call it."""
        return self.card.title if self.compares == "items" else f"{self.card.title}, segments"

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        objective = Contrastive(
            self.temperature, same_view=self.same_view, same_item=self.same_item, learned=self.learned
        )
        return learner_of(self.heads.network(encoder), segmenter_of(self.compares, data), objective)

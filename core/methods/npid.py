"""NPID (instance discrimination) as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Count, Positive, Share
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.npid import Npid
from .settings import Heads


@final
@dataclass(frozen=True)
class NPID(AbstractMethod):
    """Instance discrimination: every item is its own class, remembered in a memory bank.

    Source: Wu et al. (2018): vectors of 128, τ = 0.07, m = 4096. Deviation: the paper has one linear layer as head;
    ours is that of the other methods, so that they differ in the objective alone. Noise beyond the items is of no use.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    temperature: Positive = 0.07
    """Temperature τ."""
    noise: Count | None = 4096
    """Noise items per view, at most as many as there are items; none: the full soft-max over all items."""
    momentum: Share = 0.5
    """How much of its old vector an entry of the bank keeps."""

    card: ClassVar[MethodCard] = MethodCard(
        "NPID", "Wu et al. 2018", "the whole item", "a memory bank", "noise-contrastive", page="methods/npid.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        noise = None if self.noise is None else min(self.noise, data.items)
        objective = Npid(data.items, self.heads.width(encoder), self.temperature, noise, self.momentum)
        return learner_of(online, WholeItem(), objective, None, teacher_views=1)

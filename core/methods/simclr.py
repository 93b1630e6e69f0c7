"""SimCLR as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Positive
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.contrastive import Contrastive
from .settings import Heads


@final
@dataclass(frozen=True)
class SimCLR(AbstractMethod):
    """SimCLR: one network for both views, whose agreement is contrasted with all other views of the batch.

    Source: Chen et al., "A simple framework for contrastive learning" (2020): a head of 2048 and 128, τ = 0.1 (0.5 for
    CIFAR), negatives from both views. Deviation: no normalisation of the head's output, which the authors' later code
    has and the paper has not.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    temperature: Positive = 0.1
    """Temperature τ."""
    learned: bool = False
    """Whether the temperature is trained, from `temperature` on, as in CLIP."""

    card: ClassVar[MethodCard] = MethodCard(
        "SimCLR", "Chen et al. 2020", "the whole item", "the network itself", "contrast", page="methods/simclr.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:  # noqa: ARG002
        """The learner."""
        online = self.heads.network(encoder)
        return learner_of(online, WholeItem(), Contrastive(self.temperature, same_view=True, learned=self.learned))

"""MoCo v2 as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Count, Positive
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, MovingAverage
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.moco import Moco
from .objectives.queue import Queue
from .settings import Heads


@final
@dataclass(frozen=True)
class MoCo(AbstractMethod):
    """MoCo v2: the first view's query finds its key, from a slow teacher, among a long queue of earlier keys.

    Source: Chen et al., "Improved baselines with momentum contrastive learning" (2020), and its code: 65536 keys of
    128, τ = 0.2, a decay of 0.999 that does not rise, one direction. Deviations: the head has batch normalisation over
    all ranks (theirs has none, and encoders shuffle batches between devices); the teacher follows after the optimiser's
    step rather than before the next one, which is the same moment.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    temperature: Positive = 0.2
    """Temperature τ."""
    keys: Count | None = None
    """Length of the queue; none: 65536, or 16 batches where that is less, or a short run would never see its end."""
    symmetric: bool = False
    """Compare both directions of every pair of views, as MoCo v3 does."""
    teacher: AbstractRule = MovingAverage(0.999, schedule="constant")
    """How the teacher follows."""

    card: ClassVar[MethodCard] = MethodCard(
        "MoCo v2", "Chen et al. 2020b", "the whole item", "EMA", "contrast with a queue", page="methods/moco.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        keys = min(65536, 16 * data.batch) if self.keys is None else self.keys
        objective = Moco(Queue(keys, self.heads.width(encoder)), self.temperature, self.symmetric)
        return learner_of(online, WholeItem(), objective, self.teacher)

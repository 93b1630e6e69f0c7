"""PCL as a composition."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from ..components.ranges import Between, Count, Positive, Rounds, Share, Weight
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, MovingAverage
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.combined import Combined
from .objectives.moco import Moco
from .objectives.prototype_contrast import PrototypeContrast
from .objectives.queue import Queue
from .settings import Heads, fitting


@final
@dataclass(frozen=True)
class PCL(AbstractMethod):
    """PCL: MoCo, and beside it contrast between the clusters of the data set, at several granularities.

    Source: Li et al., "Prototypical contrastive learning of unsupervised representations" (2021), and the authors' code
    with its options of version 2: a head of 2048 and 128, τ = 0.2, 16384 keys and negatives, a decay of 0.999, 25000,
    50000 and 100000 clusters, which first count after a tenth of the training. Deviations: clusters are those of the
    epoch's own embeddings, by direction.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    temperature: Positive = 0.2
    """Temperature τ of the contrast between items, and the mean temperature of that between clusters."""
    prototypes: Count | None = None
    """Clusters of the coarsest clustering; none: 25000, or a tenth of the items where that is less."""
    granularities: Annotated[int, Between(1, 20)] = 3
    """Clusterings, each with twice as many clusters as the one before."""
    negatives: Count | None = 16384
    """Clusters drawn as negatives, at most as many as there are; none: all."""
    keys: Count | None = None
    """Length of MoCo's queue; none: 16384, or 16 batches where that is less."""
    weight: Weight = 1.0
    """Weight of the contrast between clusters."""
    begins: Share = 0.1
    """Share of the training after which clusters count."""
    iterations: Rounds = 20
    """Iterations of k-means."""
    teacher: AbstractRule = MovingAverage(0.999, schedule="constant")
    """How the teacher follows."""

    card: ClassVar[MethodCard] = MethodCard(
        "PCL", "Li et al. 2021", "the whole item", "EMA", "contrast with clusters", page="methods/pcl.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        width = self.heads.width(encoder)
        coarsest = fitting(25000, data.items) if self.prototypes is None else self.prototypes
        clusters = PrototypeContrast(
            data.items,
            width,
            [coarsest * 2**place for place in range(self.granularities)],
            self.temperature,
            self.negatives,
            self.begins,
            self.iterations,
        )
        keys = min(16384, 16 * data.batch) if self.keys is None else self.keys
        objective = Combined([Moco(Queue(keys, width), self.temperature), clusters], [1.0, self.weight])
        return learner_of(self.heads.network(encoder), WholeItem(), objective, self.teacher)

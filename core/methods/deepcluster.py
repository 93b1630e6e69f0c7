"""DeepCluster-v2 as a composition."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from ..components.ranges import Between, Positive, Rounds, Width
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.deepcluster import DeepCluster as Objective
from .settings import Heads, fitting


@final
@dataclass(frozen=True)
class DeepCluster(AbstractMethod):
    """DeepCluster-v2: after every epoch the whole data set is clustered, and clusters are the classes of the next.

    Source: Caron et al., "Deep clustering for unsupervised learning of visual features" (2018); v2 in the appendix and
    the code of Caron et al. (2020): a head of 2048 and 128, 3 labellings of 3000 clusters, τ = 0.1, 10 iterations of
    spherical k-means. Deviation: in the first epoch, before there are labels, items are assigned within the batch.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    prototypes: Width | None = None
    """Number of clusters K; none: 3000, or a tenth of the items where that is less."""
    labellings: Annotated[int, Between(1, 1000)] = 3
    """Clusterings that are learned at the same time."""
    temperature: Positive = 0.1
    """Temperature τ."""
    iterations: Rounds = 10
    """Iterations of k-means."""

    card: ClassVar[MethodCard] = MethodCard(
        "DeepCluster-v2",
        "Caron et al. 2018",
        "the whole item",
        "a memory bank",
        "clusters as classes",
        page="methods/deepcluster.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        count = fitting(3000, data.items) if self.prototypes is None else self.prototypes
        width, views = self.heads.width(encoder), data.large_views
        objective = Objective(data.items, width, count, self.labellings, views, self.temperature, self.iterations)
        return learner_of(self.heads.network(encoder), WholeItem(), objective, teacher_views=views)

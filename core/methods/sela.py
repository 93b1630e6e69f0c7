"""SeLa as a composition."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from ..components.ranges import Between, Count, Positive, Width
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.self_labelling import SelfLabelling
from .settings import fitting


@final
@dataclass(frozen=True)
class SeLa(AbstractMethod):
    """SeLa: labels under which all classes have the same number of items, found again as training goes on.

    Source: Asano et al., "Self-labelling via simultaneous clustering and representation learning" (2020), and the
    authors' code: linear classifiers on the representation, 10 labellings of 3000 classes, λ = 25, 100 updates.
    Deviation: an update takes the vectors of the epoch that ends, and there is none in the first.
    """

    prototypes: Width | None = None
    """Number of classes K; none: 3000, or a tenth of the items where that is less."""
    labellings: Annotated[int, Between(1, 1000)] = 10
    """Labellings that are learned at the same time, each by a classifier of its own."""
    sharpness: Positive = 25.0
    """λ of Sinkhorn–Knopp: the greater, the closer to the best labels, and the longer they take."""
    updates: Count = 100
    """How often the data are labelled anew in a run, dense at its start."""

    card: ClassVar[MethodCard] = MethodCard(
        "SeLa",
        "Asano et al. 2020",
        "the whole item",
        "a memory bank",
        "balanced labels as classes",
        page="methods/sela.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        count = fitting(3000, data.items) if self.prototypes is None else self.prototypes
        objective = SelfLabelling(data.items, encoder.dim, count, self.labellings, self.sharpness, self.updates)
        return learner_of(Network(encoder), WholeItem(), objective, teacher_views=1)

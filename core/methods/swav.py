"""SwAV as a composition."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import CountOrNone, Positive, Rounds, Width
from ..networks.encoder import AbstractEncoder
from .compose import learner_of
from .detcon import segmenter_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.assignments import Balanced
from .objectives.distillation import Distillation
from .objectives.queue import Queue
from .settings import Heads, fitting


@final
@dataclass(frozen=True)
class SwAV(AbstractMethod):
    """SwAV: every crop predicts the balanced assignment of the large crops to prototypes; one network, no teacher.

    Source: Caron et al., "Unsupervised learning of visual features by contrasting cluster assignments" (2020), and its
    code: a head of 2048 and 128, 3000 prototypes that are frozen for an epoch, τ = 0.1, ε = 0.05, 3 iterations.
    Deviations: prototypes are normalised where they are used rather than in place; the last layer of the head has no
    bias; the queue holds embeddings of all ranks.
    """

    heads: Heads = Heads(2048, 128)
    """Projector."""
    prototypes: Width | None = None
    """Number of prototypes K; none: 3000, or a tenth of the items where that is less."""
    temperature: Positive = 0.1
    """Temperature τ of the prediction."""
    epsilon: Positive = 0.05
    """ε of Sinkhorn–Knopp: the smaller, the harder the assignments."""
    iterations: Rounds = 3
    """Iterations of Sinkhorn–Knopp."""
    frozen_epochs: CountOrNone = 1
    """Epochs in which prototypes are not trained."""
    queue_batches: CountOrNone = 0
    """Batches of earlier embeddings that are assigned together with each batch; 15 where batches are small."""
    queue_from: CountOrNone = 15
    """Epochs before the queue is used."""
    compares: Literal["items", "segments"] = "items"
    """Whole items, or the objects that come with the data or from the recipe's rule."""

    card: ClassVar[MethodCard] = MethodCard(
        "SwAV",
        "Caron et al. 2020",
        "the whole item",
        "the network itself",
        "swapped assignments",
        page="methods/swav.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        width, batches = self.heads.width(encoder), self.queue_batches
        objective = Distillation(
            width,
            fitting(3000, data.items) if self.prototypes is None else self.prototypes,
            Balanced(self.iterations),
            None,
            self.temperature,
            self.epsilon,
            self.epsilon,
            0,
            self.frozen_epochs,
            Queue(batches * data.batch, width, data.large_views) if batches else None,
            self.queue_from,
        )
        online, segmenter = self.heads.network(encoder), segmenter_of(self.compares, data)
        return learner_of(online, segmenter, objective, teacher_views=data.large_views)

"""SemPPL as a composition, on whole items and on discovered objects."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import Count, Positive, Weight, Width, check_ranges
from ..discovery.segmenters.whole_item import WholeItem
from ..losses.nearest_labels import Metric
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, MovingAverage
from .adversary import Adversary
from .compose import head, learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.queue import Queue
from .objectives.semantic import Semantic


@final
@dataclass(frozen=True)
class SemPPL(AbstractMethod):
    """SemPPL: an item's positives are its own views and labelled items of the same class, guessed where unknown.

    Source: the patent application (WO 2023/222889): α = 1/5, k = 1, cosine similarity, a queue of 10 or 20 batches.
    Widths and the moving average are those of BYOL, whose networks the authors use; the temperature 0.2 is that of
    ReLIC v2. `invariance=5, contrast=0.3, positives=3, negatives=10, same_view=True` are the weights of the paper.
    """

    hidden: Width = 4096
    """Width of the heads' hidden layer."""
    projection: Width = 256
    """Length of the projected vectors."""
    temperature: Positive = 0.2
    """Temperature τ."""
    alpha: Weight = 0.2
    """α, the weight of semantic positives."""
    neighbours: Count = 1
    """k of the pseudo-labels: so many nearest labelled embeddings vote."""
    metric: Metric = "cosine"
    """What is near."""
    queue_batches: Count = 10
    """Batches of labelled embeddings that the queue holds."""
    positives: Count = 1
    """Semantic positives drawn for every pair of views."""
    negatives: Count | None = None
    """Other objects drawn as negatives for each; none takes all."""
    same_view: bool = False
    """Pair views with themselves too."""
    contrast: Weight = 1.0
    """Weight of contrast."""
    invariance: Weight = 0.0
    """Weight of the invariance penalty of ReLIC v2."""
    task: bool = False
    """Train a task network on the labelled items at the same time (claims 17 and 18)."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""
    adversary: Adversary | None = None
    """Makes the first view hard to predict from."""

    card: ClassVar[MethodCard] = MethodCard(
        "SemPPL",
        "Bošnjak et al. 2022, WO 2023/222889",
        "the whole item",
        "moving average",
        "contrast with semantic positives by pseudo-labels",
        "large ones for both networks, small ones for the online network",
        "classes",
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner; its queue holds a multiple of the batch over all ranks."""
        online = Network(encoder, head(encoder.dim, self.hidden, self.projection))
        queue = Queue(self.queue_batches * data.batch, self.projection, data.large_views)
        objective = Semantic(
            queue,
            self.temperature,
            self.alpha,
            self.neighbours,
            self.metric,
            self.positives,
            self.negatives,
            same_view=self.same_view,
            contrast=self.contrast,
            invariance=self.invariance,
        )
        return learner_of(
            online,
            WholeItem(),
            objective,
            self.teacher,
            predictor=head(self.projection, self.hidden, self.projection),
            teacher_views=data.large_views,
            task=task_of(data, self.projection) if self.task else None,
            adversary=self.adversary,
        )

"""PAWS as a composition."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from ..components.ranges import Between, Positive, Share, Weight
from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from ..networks.heads import MLP
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.paws import Paws
from .objectives.queue import Queue
from .settings import Heads


@final
@dataclass(frozen=True)
class PAWS(AbstractMethod):
    """PAWS: two views of an item agree on its class, which is that of the labelled items that they are near to.

    Source: Assran et al. (2021) and their code: heads of 2048, τ = 0.1, T = 0.25, smoothing 0.1, no slow teacher.
    Deviations: the labelled items are those of the batch (their share is `--labelled`) and, without gradient, the last
    ones before, as many as ten batches have items, in place of a support set of its own with all classes equally often,
    which a small batch cannot hold; classes weigh alike however often they are there. The projector has one hidden
    layer (theirs two), and the predictor no normalisation in front of its first layer.
    """

    heads: Heads = Heads(2048, 2048)
    """Projector."""
    predictor: bool = True
    """A predictor on the online side, with a hidden layer of a quarter of its width, and of 16 at least."""
    temperature: Positive = 0.1
    """Temperature τ."""
    sharpening: Positive = 0.25
    """T: the smaller, the more certain the targets."""
    smoothing: Share = 0.1
    """Share ε of a label that is spread over all classes."""
    entropy: Weight = 1.0
    """Weight of the entropy of the mean class."""
    queue_batches: Annotated[int, Between(0, 100_000)] = 10
    """As many labelled embeddings are kept as so many batches have items; 0 asks the batch alone, as the authors do."""

    card: ClassVar[MethodCard] = MethodCard(
        "PAWS",
        "Assran et al. 2021",
        "the whole item",
        "the network itself",
        "agreement on soft classes",
        "classes",
        page="methods/paws.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner.

        Raises:
            ValueError: if there are no classes.
        """
        if data.target is None:
            raise ValueError("PAWS learns from classes of some items, and there are none: give them with --labels")
        online, width = self.heads.network(encoder), self.heads.width(encoder)
        size = self.queue_batches * data.batch
        queues = [Queue(size, width, data.large_views) for _ in range(2)] if size else [None, None]
        objective = Paws(
            data.target.outputs,
            queues[0],
            queues[1],
            self.temperature,
            self.sharpening,
            self.smoothing,
            self.entropy,
        )
        predictor = MLP(width, max(16, width // 4), width) if self.predictor else None
        return learner_of(online, WholeItem(), objective, None, predictor, teacher_views=data.large_views)

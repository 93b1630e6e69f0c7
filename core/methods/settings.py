"""Settings that several methods share."""

from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from ..components.ranges import Count, Positive, Weight, Width, check_ranges
from ..losses.nearest_labels import Metric
from ..networks.encoder import AbstractEncoder, Network
from ..networks.heads import MLP
from ..networks.levels import Level
from .adversary import Adversary
from .objectives.queue import Queue
from .objectives.semantic import Semantic


@final
@dataclass(frozen=True)
class Heads:
    """The projector g and the predictor q, both of BYOL's form: Linear, batch normalisation, ReLU, Linear.

    Example:
        >>> from gestalt.core.networks.encoder import Identity
        >>> Heads(hidden=8, projection=4).network(Identity(dim=3)).projector.outputs
        4
    """

    hidden: Width = 4096
    """Width of the hidden layers."""
    projection: Width | None = 256
    """Length of the projected vectors; none: no projector, representations themselves are compared."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def network(self, encoder: AbstractEncoder, level: Level | None = None) -> Network:
        """The encoder with a fresh projector, of all its vectors or of one level of them."""
        if self.projection is None:
            return Network(encoder)
        if level is None or level.dims == encoder.dim:
            return Network(encoder, MLP(encoder.dim, self.hidden, self.projection))
        return Network(encoder, MLP(level.dims, self.hidden, self.projection, level.first))

    def predictor(self, encoder: AbstractEncoder) -> nn.Module:
        """A fresh predictor on the projected vectors."""
        width = self.width(encoder)
        return MLP(width, self.hidden, width)

    def width(self, encoder: AbstractEncoder) -> int:
        """Length of the projected vectors."""
        return self.projection or encoder.dim


@final
@dataclass(frozen=True)
class Inputs:
    """What the two networks are given.

    Source: BYOL's patent application, [0016] and [0073].
    """

    teacher_sees: Literal["views", "source"] = "views"
    """The teacher sees the other view, or the untransformed item."""
    adversary: Adversary | None = None
    """Makes the first view hard to predict from."""


@final
@dataclass(frozen=True)
class SemanticSettings:
    """SemPPL's objective: contrast with semantic positives by pseudo-labels from a queue of labelled embeddings.

    Source: WO 2023/222889: α = 1/5, k = 1, cosine similarity, a queue of 10 or 20 batches. The temperature 0.2 is that
    of ReLIC v2.
    """

    temperature: Positive = 0.2
    """Temperature τ."""
    alpha: Weight = 0.2
    """α, the weight of semantic positives."""
    neighbours: Count = 1
    """k of the pseudo-labels: so many nearest labelled embeddings vote."""
    metric: Metric = "cosine"
    """What is near."""
    queue_batches: Count = 10
    """The queue holds as many labelled embeddings as so many batches have items."""
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

    def __post_init__(self) -> None:
        check_ranges(self)

    def objective(self, batch: int, projection: int, views: int) -> Semantic:
        """The objective, with a queue for batches of so many items over all ranks."""
        return Semantic(
            Queue(self.queue_batches * batch, projection, views),
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


def fitting(published: int, items: int) -> int:
    """A published number of clusters, or a tenth of the items where that is less, at least 2: small data fill no more.

    Example:
        >>> fitting(3000, items=1_281_167), fitting(3000, items=500)
        (3000, 50)
    """
    return max(min(published, items // 10), 2)

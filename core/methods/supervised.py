"""The baselines that are told the labels."""

from torch import nn

from ..discovery.segmenters import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import Follower, Shared
from ..networks.heads import mlp
from .learner import Learner
from .objectives import Nothing, SupervisedContrastive
from .task import Task


def supervised(
    encoder: AbstractEncoder,
    *,
    classes: int = 0,
    task: Task | None = None,
    hidden: int = 4096,
    projection: int = 256,
) -> Learner:
    """Supervised training on the labelled items, with the views as augmentation: cross-entropy over `classes`.

    `task` stands in for the linear layer with cross-entropy: another head, or values instead of classes. The projector
    is kept, so that the network differs from the others in what it was told alone.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=None,
        teacher=Follower(online, Shared()),
        segmenter=WholeItem(),
        objective=Nothing(),
        teacher_views=0,
        task=task or Task(nn.Linear(projection, classes)),
    )


def supervised_contrastive(
    encoder: AbstractEncoder, *, hidden: int = 2048, projection: int = 128, temperature: float = 0.1
) -> Learner:
    """Supervised contrastive learning: all items of a class are one another's positives.

    Source: Khosla et al. (2020): a head of 2048 and 128, τ = 0.1. Unlabelled items are learned from as SimCLR does.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=None,
        teacher=Follower(online, Shared()),
        segmenter=WholeItem(),
        objective=SupervisedContrastive(temperature),
    )

"""BYOL as a composition, with the published settings for lengths of training."""

from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from ..discovery.segmenters import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage
from ..networks.heads import mlp
from .adversary import Adversary
from .learner import Learner
from .objectives import AbstractObjective, Regression
from .task import Task


@final
@dataclass(frozen=True)
class Preset:
    """What the authors changed with the length of training: for LARS with 10 epochs of warm-up, batches of 4096.

    `rate` is for a batch of 256 and grows with the batch; `decay` is the teacher's at the start and rises to 1.

    Example:
        >>> next(preset for preset in PRESETS if preset.epochs == 300).lr(batch=4096)
        4.8
    """

    epochs: int
    rate: float
    weight_decay: float
    decay: float

    def lr(self, batch: int) -> float:
        """The peak learning rate for a batch."""
        return self.rate * batch / 256


PRESETS = (
    Preset(epochs=40, rate=0.45, weight_decay=1e-6, decay=0.97),
    Preset(epochs=100, rate=0.45, weight_decay=1e-6, decay=0.99),
    Preset(epochs=300, rate=0.3, weight_decay=1e-6, decay=0.99),
    Preset(epochs=1000, rate=0.2, weight_decay=1.5e-6, decay=0.996),
)
"""Source: `configs/byol.py` of the authors' code."""


def byol(
    encoder: AbstractEncoder,
    *,
    hidden: int = 4096,
    projection: int = 256,
    teacher: AbstractRule | None = None,
    objective: AbstractObjective | None = None,
    projector: bool = True,
    predictor: bool = True,
    teacher_sees: Literal["views", "source"] = "views",
    adversary: Adversary | None = None,
    task: Task | None = None,
) -> Learner:
    """BYOL: the online network predicts the teacher's view of the same item; no negatives.

    Args:
        encoder: the online encoder f_θ.
        hidden: width of the heads' hidden layer.
        projection: length of the projected vectors.
        teacher: how the teacher follows: `MovingAverage`, `CopyEvery`, or `Shared` for none.
        objective: `Regression` with another distance, or one direction.
        projector: without, representations are predicted themselves.
        predictor: without, the projections are compared.
        teacher_sees: the other view, or the untransformed item.
        adversary: makes the first view hard to predict from.
        task: learns from labels at the same time.

    Source: Grill et al., "Bootstrap your own latent" (2020): heads of 4096 and 256, τ from 0.996 to 1. The document,
    [0016], [0023], [0073], [0075] and [0082], names the options.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection) if projector else None)
    length = projection if projector else encoder.dim
    q: nn.Module | None = mlp(length, hidden, length) if predictor else None
    return Learner(
        online=online,
        predictor=q,
        teacher=Follower(online, teacher or MovingAverage(0.996)),
        segmenter=WholeItem(),
        objective=objective or Regression(),
        task=task,
        teacher_sees=teacher_sees,
        adversary=adversary,
    )

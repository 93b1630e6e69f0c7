"""BYOL as a composition."""

from ..encoder import AbstractEncoder, Network, mlp
from ..follower import AbstractRule, Follower, MovingAverage
from ..learner import Learner
from ..objective import AbstractObjective, Regression
from ..segmenter import WholeItem


def byol(
    encoder: AbstractEncoder,
    *,
    hidden: int = 4096,
    projection: int = 256,
    teacher: AbstractRule | None = None,
    objective: AbstractObjective | None = None,
) -> Learner:
    """BYOL: the online network predicts the teacher's view of the same item; no negatives.

    Source: Grill et al., "Bootstrap your own latent" (2020): heads of 4096 and 256, τ from 0.996 to 1.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=mlp(projection, hidden, projection),
        teacher=Follower(online, teacher or MovingAverage(0.996)),
        segmenter=WholeItem(),
        objective=objective or Regression(),
    )

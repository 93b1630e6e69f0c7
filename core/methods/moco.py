"""MoCo v2 as a composition."""

from ..discovery.segmenters import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage
from ..networks.heads import mlp
from .learner import Learner
from .objectives import AbstractObjective, Moco, Queue


def moco(
    encoder: AbstractEncoder,
    *,
    keys: int = 65536,
    hidden: int = 2048,
    projection: int = 128,
    temperature: float = 0.2,
    teacher: AbstractRule | None = None,
    objective: AbstractObjective | None = None,
) -> Learner:
    """MoCo v2: the first view's query finds its key, from a slow teacher, among a long queue of earlier keys.

    Source: Chen et al., "Improved baselines with momentum contrastive learning" (2020), and its code: 65536 keys of
    128, τ = 0.2, a decay of 0.999 that does not rise, one direction. Deviations: the head has batch normalisation over
    all ranks (theirs has none, and encoders shuffle batches between devices); the teacher follows after the optimiser's
    step rather than before the next one, which is the same moment.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=None,
        teacher=Follower(online, teacher or MovingAverage(0.999, rising=False)),
        segmenter=WholeItem(),
        objective=objective or Moco(Queue(keys, projection), temperature),
    )

"""ReLIC v2 as a composition."""

from ..discovery.segmenters import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage
from ..networks.heads import mlp
from .learner import Learner
from .objectives import AbstractObjective, Relic


def relic(
    encoder: AbstractEncoder,
    *,
    large_views: int = 2,
    hidden: int = 4096,
    projection: int = 256,
    teacher: AbstractRule | None = None,
    objective: AbstractObjective | None = None,
) -> Learner:
    """ReLIC v2: contrast with a few negatives, and predictions that do not depend on the view.

    The first `large_views` are seen by both networks, further ones by the online network alone (4 and 2 in the paper).

    Source: Tomasev et al., "Pushing the limits of self-supervised ResNets" (2022): 0.3 contrast + 5 invariance, ten
    negatives, τ = 0.2, heads and moving average as BYOL. The background removal of its views belongs to the modality.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=mlp(projection, hidden, projection),
        teacher=Follower(online, teacher or MovingAverage(0.996)),
        segmenter=WholeItem(),
        objective=objective or Relic(),
        teacher_views=large_views,
    )

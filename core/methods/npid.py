"""NPID (instance discrimination) as a composition."""

from ..discovery.segmenters import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import Follower, Shared
from ..networks.heads import mlp
from .learner import Learner
from .objectives import AbstractObjective, Npid


def npid(
    encoder: AbstractEncoder,
    *,
    items: int,
    hidden: int = 2048,
    projection: int = 128,
    temperature: float = 0.07,
    noise: int | None = 4096,
    objective: AbstractObjective | None = None,
) -> Learner:
    """Instance discrimination: every item is its own class, remembered in a bank of `items` vectors.

    Source: Wu et al. (2018): vectors of 128, τ = 0.07, m = 4096. Deviation: the paper has one linear layer as head;
    ours is that of the other methods, so that they differ in the objective alone. Noise beyond the items is of no use.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=None,
        teacher=Follower(online, Shared()),
        segmenter=WholeItem(),
        objective=objective or Npid(items, projection, temperature, noise),
        teacher_views=1,
    )

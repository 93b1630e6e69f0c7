"""SimCLR as a composition."""

from ..discovery.segmenters import WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import Follower, Shared
from ..networks.heads import mlp
from .learner import Learner
from .objectives import AbstractObjective, Contrastive


def simclr(
    encoder: AbstractEncoder,
    *,
    hidden: int = 2048,
    projection: int = 128,
    temperature: float = 0.1,
    objective: AbstractObjective | None = None,
) -> Learner:
    """SimCLR: one network for both views, whose agreement is contrasted with all other views of the batch.

    Source: Chen et al., "A simple framework for contrastive learning" (2020): a head of 2048 and 128, τ = 0.1 (0.5 for
    CIFAR), negatives from both views. Deviation: no normalisation of the head's output, which the authors' later code
    has and the paper has not.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=None,
        teacher=Follower(online, Shared()),
        segmenter=WholeItem(),
        objective=objective or Contrastive(temperature, same_view=True),
    )

"""Odin as a composition."""

from typing import Literal

from ..beside import Beside
from ..encoder import AbstractEncoder, Network, mlp
from ..follower import AbstractRule, CopyEvery, Follower, MovingAverage
from ..foreground import Foreground
from ..grouper import AbstractGrouper, KMeans
from ..learner import Learner
from ..objective import AbstractObjective, Contrastive
from ..segmenter import AbstractSegmenter, Discovery, HandOver


def odin(
    encoder: AbstractEncoder,
    *,
    hidden: int = 4096,
    projection: int = 256,
    grouper: AbstractGrouper | None = None,
    teacher: AbstractRule | None = None,
    discovery: AbstractRule | None = None,
    objective: AbstractObjective | None = None,
    space: Literal["projected", "hidden"] = "projected",
    foreground: Foreground | None = None,
    beside: Beside | None = None,
    first: AbstractSegmenter | None = None,
    hand_over: int = 0,
) -> Learner:
    """Odin: discovers objects with a network that follows the online one, and tells them apart across two views.

    Args:
        encoder: the online encoder f_θ.
        hidden: width of the heads' hidden layer.
        projection: length of the projected vectors.
        grouper: finds objects in the discovery network's projections; k-means with 16 objects by default.
        teacher: how the teacher follows; a moving average by default.
        discovery: how the discovery network follows; a copy every 10 epochs by default.
        objective: contrastive with temperature 0.1 by default.
        space: group the discovery network's projections, as the document does, or its hidden features.
        foreground: takes the background out of what was grouped.
        beside: puts plain features beside the discovery network's for the grouper.
        first: segments to start from instead of those of a random network, until `hand_over` steps are done.
        hand_over: the step at which discovered segments take over from `first`.

    Source: Hénaff et al., "Object discovery and representation networks" (2022). The document gives the temperature
    and the copying period; widths are those of DetCon and BYOL; the number of objects is our choice within its advice.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    network = Follower(online, discovery or CopyEvery(epochs=10))
    discovered = Discovery(network, grouper or KMeans(objects=16), space, foreground, beside)
    return Learner(
        online=online,
        predictor=mlp(projection, hidden, projection),
        teacher=Follower(online, teacher or MovingAverage(0.996)),
        segmenter=discovered if first is None else HandOver(first, discovered, hand_over),
        objective=objective or Contrastive(temperature=0.1),
    )

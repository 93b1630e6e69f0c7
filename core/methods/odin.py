"""Odin as a composition."""

from typing import Literal

from torch import nn

from ..data.presence import Presence
from ..discovery.background import AbstractBackgroundRemover
from ..discovery.concat_features import ConcatFeatures
from ..discovery.groupers import AbstractGrouper, KMeans
from ..discovery.segmenters import AbstractSegmenter, Discovery, SwitchAt
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, CopyEvery, Follower, MovingAverage, Shared
from ..networks.heads import mlp
from .learner import Learner
from .objectives import AbstractObjective, Contrastive


def odin(
    encoder: AbstractEncoder,
    *,
    hidden: int = 4096,
    projection: int | None = 256,
    predictor: bool = True,
    grouper: AbstractGrouper | None = None,
    teacher: AbstractRule | None = None,
    discovery: AbstractRule | Literal["teacher"] | None = None,
    objective: AbstractObjective | None = None,
    space: Literal["projected", "hidden"] = "projected",
    span: bool = False,
    presence: Presence | None = None,
    background: AbstractBackgroundRemover | None = None,
    extra_features: ConcatFeatures | None = None,
    first: AbstractSegmenter | None = None,
    hand_over: int = 0,
) -> Learner:
    """Odin: discovers objects with a network that follows the online one, and tells them apart across two views.

    Args:
        encoder: the online encoder f_θ.
        hidden: width of the heads' hidden layer.
        projection: length of the projected vectors; None compares, and groups, hidden features without any projector.
        predictor: whether the online side predicts the teacher's vectors (claim 12) or compares its own (claim 13).
        grouper: finds objects in the discovery network's projections; k-means with 16 objects by default.
        teacher: how the teacher follows; a moving average by default, `Shared()` for one network on both sides
            (claim 16).
        discovery: how the discovery network follows: a copy every 10 epochs by default (claim 9), a moving average
            (claim 8), or "teacher" for the teacher's own network.
        objective: contrastive with temperature 0.1 by default; `Contrastive` has the similarities and the negatives.
        space: group the discovery network's projections, as the document does, or its hidden features.
        span: group only what the views show of an item, instead of the whole source.
        presence: which objects count as present in a view, and a bound on their number; all, by default.
        background: takes the background out of what was grouped.
        extra_features: puts plain features beside the discovery network's for the grouper.
        first: segments to start from instead of those of a random network, until `hand_over` steps are done.
        hand_over: the step at which discovered segments take over from `first`.

    Source: Hénaff et al., "Object discovery and representation networks" (2022). The document gives the temperature
    and the copying period; widths are those of DetCon and BYOL; the number of objects is our choice within its advice.

    Example:
        >>> from gestalt.core.networks.encoder import Plain
        >>> learner = odin(Identity(dim=3), hidden=8, projection=4, grouper=KMeans(objects=2), teacher=Shared())
        >>> learner.teacher.network is learner.online
        True
    """
    online = Network(encoder, head(encoder.dim, hidden, projection))
    follower = Follower(online, teacher or MovingAverage(0.996))
    # The teacher's network, seen through a follower of its own that has nothing to update.
    network = (
        Follower(follower.network, Shared())
        if discovery == "teacher"
        else Follower(online, discovery or CopyEvery(epochs=10))
    )
    discovered = Discovery(network, grouper or KMeans(objects=16), space, background, extra_features, span)
    width = projection or encoder.dim
    return Learner(
        online=online,
        predictor=mlp(width, hidden, width) if predictor else None,
        teacher=follower,
        segmenter=discovered if first is None else SwitchAt(first, discovered, hand_over),
        objective=objective or Contrastive(temperature=0.1),
        presence=presence,
    )


def head(inputs: int, hidden: int, projection: int | None) -> nn.Module | None:
    """The projector, None where there is none."""
    return None if projection is None else mlp(inputs, hidden, projection)

"""DetCon as compositions: objects are given, not discovered."""

from ..data.presence import Presence, Subsample
from ..discovery.segmenters import AbstractSegmenter, Given
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage, Shared
from ..networks.heads import mlp
from .learner import Learner
from .objectives import AbstractObjective, Contrastive

SIXTEEN = Presence(draw=Subsample(objects=16, replacement=True, per_view=True))
"""DetCon's code draws 16 of the masks that exist in a view, with replacement, for every view on its own."""


def detcon(
    encoder: AbstractEncoder,
    segmenter: AbstractSegmenter | None = None,
    *,
    hidden: int = 4096,
    projection: int = 256,
    predictor: bool = True,
    teacher: AbstractRule | None = None,
    objective: AbstractObjective | None = None,
    presence: Presence = SIXTEEN,
) -> Learner:
    """DetCon-B: tells given objects apart across two views, with a teacher and a predictor as in BYOL.

    Args:
        encoder: the online encoder.
        segmenter: where the objects come from: the data (`Given()`, the default) or a heuristic (`Given(heuristic)`).
        hidden: width of the heads' hidden layer.
        projection: length of the projected vectors.
        predictor: whether the online side has a predictor.
        teacher: how the teacher follows; a moving average from 0.996 to 1 by default.
        objective: by default contrastive with temperature 0.1, with negatives from both views of all items.
        presence: which objects count in a view; by default 16 draws with replacement, for every view on its own.

    Source: Hénaff et al., "Efficient visual pretraining with contrastive detection" (2021) and its code. The loss is a
    mean over shared objects here, over all drawn rows there.

    Example:
        >>> from gestalt.core.networks.encoder import Plain
        >>> detcon(Identity(dim=3), hidden=8, projection=4).objective.same_view
        True
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=mlp(projection, hidden, projection) if predictor else None,
        teacher=Follower(online, teacher or MovingAverage(0.996)),
        segmenter=segmenter or Given(),
        objective=objective or Contrastive(temperature=0.1, same_view=True),
        presence=presence,
    )


def detcon_s(
    encoder: AbstractEncoder,
    segmenter: AbstractSegmenter | None = None,
    *,
    hidden: int = 2048,
    projection: int = 128,
    objective: AbstractObjective | None = None,
    presence: Presence = SIXTEEN,
) -> Learner:
    """DetCon-S: the same objects told apart as in SimCLR, by one network for both views and without a predictor.

    Source: as `detcon`; that encoder and projector are shared is published, the widths of the head are recalled from
    the paper and were not checked against it.

    Example:
        >>> from gestalt.core.networks.encoder import Plain
        >>> learner = detcon_s(Identity(dim=3), hidden=8, projection=4)
        >>> learner.teacher.network is learner.online
        True
    """
    return detcon(
        encoder,
        segmenter,
        hidden=hidden,
        projection=projection,
        predictor=False,
        teacher=Shared(),
        objective=objective,
        presence=presence,
    )

"""Odin and BYOL as this recipe composes them."""

from gestalt.core import methods
from gestalt.core.beside import Beside
from gestalt.core.encoder import AbstractEncoder, Network
from gestalt.core.follower import CopyEvery, Follower, MovingAverage, Shared
from gestalt.core.learner import Learner
from gestalt.core.objective import AbstractObjective, Combined, Contrastive, Regression
from gestalt.core.segmenter import Discovery
from gestalt.modalities.audio import MODALITY

from .options import Options


def build(encoder: AbstractEncoder, options: Options) -> Learner:
    """The learner that the options ask for."""
    teacher = MovingAverage(options.decay)
    if options.method == "byol":
        return methods.byol(encoder, hidden=options.hidden, projection=options.projection, teacher=teacher)
    raw = MODALITY.encoders["raw"]()
    grouper, foreground = options.finder.build(), options.finder.foreground(raw)
    return methods.odin(
        encoder,
        hidden=options.hidden,
        projection=options.projection,
        grouper=grouper,
        teacher=teacher,
        discovery=CopyEvery(steps=options.discovery_every),
        objective=_objective(options),
        foreground=foreground,
        beside=options.finder.beside(raw),
        first=Discovery(Follower(Network(raw), Shared()), grouper, "hidden", foreground, Beside(raw, 0.0)),
        hand_over=options.hand_over,
    )


def _objective(options: Options) -> AbstractObjective:
    weighted = ((options.contrast, Contrastive(options.temperature)), (options.regression, Regression()))
    return Combined(*((weight, objective) for weight, objective in weighted if weight))

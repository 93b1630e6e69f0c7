"""The methods as recipes compose them."""

from gestalt.core import methods
from gestalt.core.encoder import AbstractEncoder
from gestalt.core.follower import CopyEvery, MovingAverage
from gestalt.core.learner import Learner
from gestalt.core.objective import AbstractObjective, Combined, Contrastive, Regression

from .finder import Finder
from .options import Learning

TITLES = {"odin": "Odin", "byol": "BYOL"}


def build(encoder: AbstractEncoder, learning: Learning, finder: Finder) -> Learner:
    """The learner that the options ask for."""
    teacher = MovingAverage(learning.decay)
    if learning.method == "byol":
        return methods.byol(encoder, hidden=learning.hidden, projection=learning.projection, teacher=teacher)
    return methods.odin(
        encoder,
        hidden=learning.hidden,
        projection=learning.projection,
        grouper=finder.grouper,
        teacher=teacher,
        discovery=CopyEvery(steps=learning.discovery_every),
        objective=_objective(learning),
        space=finder.space,
        foreground=finder.foreground,
        beside=finder.beside,
        first=finder.first,
        hand_over=learning.hand_over,
    )


def _objective(learning: Learning) -> AbstractObjective:
    weighted = ((learning.contrast, Contrastive(learning.temperature)), (learning.regression, Regression()))
    return Combined(*((weight, objective) for weight, objective in weighted if weight))

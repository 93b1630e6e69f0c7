"""The methods as recipes compose them."""

from dataclasses import dataclass
from typing import final

from ..methods.catalogue import METHODS, Setting
from ..methods.catalogue import build as build_method
from ..methods.learner import Learner
from ..methods.objectives import AbstractObjective, Combined, Contrastive, Regression
from ..networks.encoder import AbstractEncoder
from ..networks.follower import CopyEvery
from .finder import Finder
from .options import Learning

TITLES = {entry.name: entry.title for entry in METHODS}


@final
@dataclass(frozen=True)
class DataInfo:
    """What a method needs to know of the material: items, items per step, views, classes of the labels, or values."""

    items: int = 1
    batch: int = 32
    views: int = 2
    classes: int = 0
    values: bool = False


def build(encoder: AbstractEncoder, learning: Learning, finder: Finder, about: DataInfo | None = None) -> Learner:
    """The learner that the options ask for.

    Raises:
        ValueError: if it learns from labels and there are none.
    """
    about = about or DataInfo()
    setting = Setting(
        hidden=learning.hidden,
        projection=learning.projection,
        temperature=learning.temperature,
        decay=learning.decay,
        batch=about.batch,
        items=about.items,
        large_views=about.views,
        classes=about.classes,
        values=about.values,
        grouper=finder.grouper,
        space=finder.space,
        background=finder.background,
        extra_features=finder.extra_features,
        discovery=CopyEvery(steps=learning.discovery_every),
        first=finder.first,
        hand_over=learning.hand_over,
        objective=_objective(learning),
    )
    return build_method(learning.method, encoder, setting)


def _objective(learning: Learning) -> AbstractObjective:
    contrast = Contrastive(0.1 if learning.temperature is None else learning.temperature)
    weighted = ((learning.contrast, contrast), (learning.regression, Regression()))
    return Combined(*((weight, objective) for weight, objective in weighted if weight))

"""The views that the options ask for."""

from typing import Any, TypeVar

from ..components.names import choose
from ..modality.base import AbstractModality
from ..modality.transform import Chain, Views
from .options import ViewOptions

ItemT = TypeVar("ItemT")


def chosen_views(options: ViewOptions, recipe: Views[ItemT], modality: AbstractModality[ItemT]) -> Views[ItemT]:
    """The recipe's views, or those of the options: other transforms, more of them, small ones behind the large.

    Raises:
        ValueError: for a transform that the modality does not have, or a chance that is none.
    """
    large = recipe.views
    if options.transforms:
        large = (_chain(options.transforms, recipe, modality),) * (options.large or 2)
    elif options.large is not None:
        large = tuple(large[number % len(large)] for number in range(options.large))
    if not options.small:
        return Views(recipe.source, large)
    crop = modality.transforms[choose("transform", "small_crop", list(modality.transforms))]
    small = Chain(_first_identity(recipe), [(1.0, large[0]), (1.0, crop)])
    return Views(recipe.source, (*large, *(small,) * options.small))


def _chain(texts: tuple[str, ...], recipe: Views[ItemT], modality: AbstractModality[ItemT]) -> Chain[ItemT]:
    steps = []
    for text in texts:
        name, _, chance = text.partition("=")
        transform = modality.transforms[choose("transform", name, list(modality.transforms))]
        steps.append((_chance(chance or "1", text), transform))
    return Chain(_first_identity(recipe), steps)


def _chance(chance: str, text: str) -> float:
    try:
        value = float(chance)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"--views.transforms takes name=chance with a chance from 0 to 1, got {text!r}")
    return value


def _first_identity(recipe: Views[ItemT]) -> Any:
    """The modality's identity correspondence: that of the chains that its own views are made of."""
    for transform in (*recipe.views, recipe.source):
        if isinstance(transform, Chain):
            return transform.identity
    raise ValueError("--views needs a recipe whose views are chains of transforms (Chain)")

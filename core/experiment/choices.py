"""The alternatives among which a method tells the one that was applied, where the modality of a run offers any."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from ..components.names import choose
from ..methods.method import AbstractMethod, HasChoice, all_of
from ..modality.base import AbstractModality
from ..modality.optional import OffersChoices
from ..modality.transform import AbstractTransform, Views

ItemT = TypeVar("ItemT")


def alternatives_of(
    method: AbstractMethod, modality: AbstractModality[ItemT]
) -> Mapping[str, AbstractTransform[ItemT]]:
    """What a method wants to tell apart, by name; nothing where it does not.

    Raises:
        ValueError: if the modality offers no choice, or not the one that the method names.
    """
    asking = next((one for one in all_of(method) if isinstance(one, HasChoice)), None)
    if asking is None:
        return {}
    if not isinstance(modality, OffersChoices) or not modality.choices:
        raise ValueError(
            f"the method {method.card.title} tells by which of several transforms a view was changed, and the modality "
            f"{modality.name!r} offers no such choice: it has no attribute `choices` (OffersChoices)"
        )
    first = next(iter(modality.choices))
    return modality.choices[choose("choice", asking.choice or first, list(modality.choices))]


def with_alternatives(method: AbstractMethod, views: Views[ItemT], modality: AbstractModality[ItemT]) -> Views[ItemT]:
    """The views, each changed in the end by one of the alternatives that the method tells apart.

    Raises:
        ValueError: as `alternatives_of`.
    """
    return replace(views, alternatives=tuple(alternatives_of(method, modality).values()))

"""Views that show one part of an item each, for methods that compare parts."""

from typing import TypeVar

from ..components.names import choose
from ..methods.method import AbstractMethod, ComparesParts, all_of
from ..modality.base import AbstractModality
from ..modality.optional import ShowsParts
from ..modality.transform import Views

ItemT = TypeVar("ItemT")


def with_parts(method: AbstractMethod, views: Views[ItemT], modality: AbstractModality[ItemT]) -> Views[ItemT]:
    """The views, each of which shows one of the parts that the method compares; others as they are.

    Raises:
        ValueError: if the items of the modality have no parts, or none of a name that the method asks for.
    """
    asking = next((one for one in all_of(method) if isinstance(one, ComparesParts)), None)
    if asking is None:
        return views
    if not isinstance(modality, ShowsParts):
        raise ValueError(
            f"the method {method.card.title} compares the parts of an item, and items of {modality.name} have none: "
            "take a joint modality, such as --modality image+text; simclr compares views of the same item"
        )
    names = asking.parts or modality.parts
    return modality.showing(views, [[choose("part", name, list(modality.parts))] for name in names])

"""An item with what lies around it."""

from typing import TypeVar

from ..data.items import AbstractItems
from .optional import ReadsContext
from .windows import InContext, Sight

ItemT = TypeVar("ItemT")


def in_context(items: AbstractItems[ItemT], number: int, sight: Sight) -> InContext[ItemT]:
    """An item in its context, of items that are read so."""
    assert isinstance(items, ReadsContext)
    found: InContext[ItemT] = items.read_in_context(number, sight)
    return found

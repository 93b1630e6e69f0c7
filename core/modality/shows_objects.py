"""What a modality may offer to show single objects, beyond `optional`: a method that it simply has."""

from typing import Protocol, TypeVar, runtime_checkable

from jaxtyping import Bool
from torch import Tensor

from ..data.places import Places

ShownT = TypeVar("ShownT", contravariant=True)


@runtime_checkable
class ShowsObjects(Protocol[ShownT]):
    """One object cut out of its item: a player of its sound, a crop, its words in context, a small drawing."""

    def render_object(self, item: ShownT, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """An HTML fragment of a few kilobytes; every text from the data is escaped.

        Args:
            item: the whole item.
            inside: which elements are the object's, at least one.
            grid: where the elements lie, as `render` has it.
        """
        ...

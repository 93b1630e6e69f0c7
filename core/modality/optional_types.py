"""What a modality may offer for types of objects, beyond `optional`: each is a method that it simply has."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from jaxtyping import Bool
from torch import Tensor

from ..data.items import AbstractItems
from ..data.places import Places
from ..discovery.typed import TypedBatch

ItemT = TypeVar("ItemT")
ShownT = TypeVar("ShownT", contravariant=True)


@runtime_checkable
class WritesTypes(Protocol[ItemT]):
    """Found objects with names of their types, in the forms that `read_masks` takes.

    Without it they are written as JSON Lines with pictures.
    """

    def write_types(
        self, found: Iterable[TypedBatch[ItemT]], items: AbstractItems[ItemT], names: Sequence[str], out: Path
    ) -> str:
        """As `write_objects`; type n is called `names[n]`, a text of one line.

        Objects of no type are not written; two types may have one name.
        """
        ...


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

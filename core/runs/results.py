"""What a model gives back: vectors, objects, predictions, item by item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar, final

from jaxtyping import Float, Int
from torch import Tensor

from ..data.grid import Grid
from ..data.places import Places, one_grid

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class ItemObjects(Generic[ItemT]):
    """One item with its discovered objects.

    Attributes:
        name: where the item comes from.
        item: itself, in the native form of its modality.
        labels: the object of every element, −1 for none.
        places: where the elements lie; None for sets, whose element `i` is the item's `i`-th.
        vectors: the mean of the hidden features of every object.
        numbers: of every object, its number in the whole that the item is a window of; its own where it is none.
    """

    name: str
    item: ItemT
    labels: Int[Tensor, " elements"]
    places: Places | None
    vectors: Float[Tensor, "objects dim"]
    numbers: Int[Tensor, " objects"]

    @property
    def grid(self) -> Grid | None:
        """The one lattice of the elements; None for sets.

        Raises:
            ValueError: for elements of several parts.
        """
        return one_grid(self.places)


@final
@dataclass(frozen=True)
class ItemVectors:
    """The vectors of one item, of its elements and of its objects, and where they lie.

    `numbers` are those of its objects in the whole that it is a window of; its own where it is none. Of an item with
    parts, `item` and `objects` are means over all of them, and `parts` has the vector of each part that it has.
    """

    name: str
    item: Float[Tensor, " dim"]
    elements: Float[Tensor, "elements dim"]
    objects: Float[Tensor, "objects dim"]
    labels: Int[Tensor, " elements"]
    places: Places | None
    numbers: Int[Tensor, " objects"]
    parts: Mapping[str, Float[Tensor, " dim"]] = field(default_factory=dict)

    @property
    def grid(self) -> Grid | None:
        """The one lattice of the elements; None for sets.

        Raises:
            ValueError: for elements of several parts.
        """
        return one_grid(self.places)


@final
@dataclass(frozen=True)
class ItemPrediction:
    """What a head says of one item: probabilities by class, or values by name; NaN where there was nothing to ask.

    `answer` is its decision: a class, labels with semicolons between them, or `unknown`; `distance` is how far the item
    is from everything labelled. `margins` say by how much values may be off. None where there is no such thing.
    """

    name: str
    scores: dict[str, float]
    answer: str | None = None
    distance: float | None = None
    margins: dict[str, float] | None = None

"""What a modality may say of its items and of what was found in them, for files and pictures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Int, Shaped
from torch import Tensor

from ...data.feature_map import Grid
from ...data.items import AbstractItems
from ...data.masks import ItemMasks
from ...data.places import Places
from ...discovery.found import FoundBatch

ItemT = TypeVar("ItemT")
ShownT = TypeVar("ShownT", contravariant=True)


@runtime_checkable
class MeasuresItems(Protocol[ShownT]):
    """How much an item is, in what one counts such data in: said before training. Without it items are counted."""

    def amounts(self, item: ShownT) -> Mapping[str, float]:
        """Each amount by its unit, a noun in the plural: seconds, pixels, words, atoms."""
        ...


@runtime_checkable
class WritesObjects(Protocol[ItemT]):
    """Found objects in the formats of the field. Without it they are written as JSON Lines with pictures."""

    def write_objects(self, found: Iterable[FoundBatch[ItemT]], items: AbstractItems[ItemT], out: Path) -> str:
        """Write the objects of all items, which come a few at a time, to the folder `out`; what was written, in a line.

        `items` are those that `read` (or `read_full`) gave, and tell where each item comes from. The line is the begin
        of a sentence that the name of the folder ends ("3 objects in 1 picture"). `out` exists and is empty; names of
        files in it come from `OutputNames`, so that none leads out of it.
        """
        ...


@runtime_checkable
class ReducesElements(Protocol[ItemT]):
    """Elements that are finer than what is written: bands of frequency, where objects are stretches of time."""

    def reduced(self, found: FoundBatch[ItemT]) -> FoundBatch[ItemT]:
        """The same items on fewer elements: features and weights of objects are averaged."""
        ...


@runtime_checkable
class LocatesElements(Protocol[ItemT]):
    """Where the elements of an item lie in its file: columns beside their vectors.

    Without it they are the numbers of the elements, and their centres along every axis of the grid.
    """

    def element_columns(
        self, found: FoundBatch[ItemT], row: int, items: AbstractItems[ItemT]
    ) -> Mapping[str, Shaped[np.ndarray, " elements"]]:
        """For one row of a batch (reduced, where the modality does so), a number for every element, padding included.

        `items` are those that `read` gave.
        """
        ...


@runtime_checkable
class HasInputGrid(Protocol[ShownT]):
    """Where the smallest parts of an item itself lie: pixels of a picture, which are finer than any features."""

    def input_grid(self, item: ShownT) -> Grid:
        """A grid in the units of the modality's axes, with as many axes as its features have."""
        ...


@runtime_checkable
class ShowsMasks(Protocol[ShownT]):
    """Masks in the form in which `render` takes true objects."""

    def shown_masks(self, item: ShownT, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each object of an item with its name and its extent in the modality's own terms."""
        ...


@runtime_checkable
class ShowsNumbers(Protocol[ShownT]):
    """Pictures in which an object has the number and the colour that are given: one in all parts of a joint item."""

    def render_numbered(
        self, item: ShownT, found: Int[Tensor, " elements"], grid: Places | None, truth: Sequence[tuple[str, Any]] = ()
    ) -> str:
        """As `render`, but object k is called k + 1 and has colour k (`colour_of`), whichever others there are."""
        ...

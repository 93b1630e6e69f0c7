"""What a modality supplies to plug in."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, final

from jaxtyping import Int
from torch import Tensor

from ..data.items import AbstractItems, Skipped
from ..data.places import Places
from ..networks.encoder import AbstractEncoder
from .transform import AbstractTransform, Views

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Specimen(Generic[ItemT]):
    """A small item with known objects, on which the conformance suite checks every law.

    `labels` numbers the object of every element of the raw encoder (−1 for none). `mark(element)` gives the same item
    changed at that element and nowhere else, so that one can watch where the change goes. `truth` is the known objects
    as `render` takes them, if the modality can show any.
    """

    item: ItemT
    labels: Int[Tensor, " elements"]
    mark: Callable[[int], ItemT]
    truth: Sequence[tuple[str, Any]] = ()


@final
@dataclass(frozen=True)
class Reading(Generic[ItemT]):
    """The items found under some paths, the files that were left out, and those of which a part is missing.

    What is there of a `damaged` file is among the items: whoever reads them says so.
    """

    items: AbstractItems[ItemT]
    skipped: tuple[Skipped, ...]
    damaged: tuple[Skipped, ...] = ()


class AbstractModality(abc.ABC, Generic[ItemT]):
    """A modality: how items are read, transformed, encoded and shown. Nothing here knows any method.

    Subclass it, make one instance, and pass that; an entry point in the group `gestalt.modalities` gives it a name on
    the command line.

    Attributes:
        name: one lower-case word.
        element: what one calls the smallest part that gets a vector ("frame", "word", "point").
        tolerance: how many elements a change may spread around its place through a shipped transform (filters ring).
        encoders: encoders by name; each is called with the JSON-able settings of its architecture. `raw` must be among
            them: the field's plain features without parameters. It is the baseline, the first segments, and what the
            conformance suite compares the others with.
        transforms: every shipped transform by name; `small_crop`, where there is one, shows a small part of an item and
            makes the small views of multi-crop.
        views: the views that a method gets if nobody says otherwise.
    """

    name: ClassVar[str]
    element: ClassVar[str]
    tolerance: ClassVar[int] = 0
    encoders: Mapping[str, Callable[..., AbstractEncoder]]
    transforms: Mapping[str, AbstractTransform[ItemT]]
    views: Views[ItemT]

    @abc.abstractmethod
    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[ItemT]:
        """The items in files and folders.

        Raises:
            BadItemError: for the first file that cannot be used, unless `skip_bad`.
        """

    @abc.abstractmethod
    def collate(self, items: Sequence[ItemT]) -> Any:
        """Items as the batch that the encoders take; ragged ones padded, with their lengths kept."""

    @abc.abstractmethod
    def render(
        self,
        item: ItemT,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """An HTML fragment that shows an item with its discovered objects, and the true ones where they are known.

        `found` numbers the object of every element, −1 for none; `grid` is where the elements lie: parts of joint items
        alone, see `one_grid`. Each true object is its name with its extent in the modality's own terms. Every text from
        the data is escaped.
        """

    @abc.abstractmethod
    def specimens(self) -> Sequence[Specimen[ItemT]]:
        """A few small items with known objects."""

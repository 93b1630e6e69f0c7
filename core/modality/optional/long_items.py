"""What a modality may offer for items that are windows of something longer, or larger than the network takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from ..base import Reading
from ..windows import InContext, Sight

ItemT = TypeVar("ItemT")


@runtime_checkable
class ReadsFullResolution(Protocol[ItemT]):
    """Items too large for the network, whose objects are written at the resolution of the file nevertheless."""

    def read_full(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[ItemT]:
        """As `read`, with every frame and pixel of the files; one item is in memory at a time.

        Raises:
            BadItemError: for the first file that cannot be used, unless `skip_bad`.
        """
        ...

    def for_network(self, item: ItemT) -> ItemT:
        """An item of `read_full` in the size in which the network takes it; its grid is in these units."""
        ...


@runtime_checkable
class ReadsContext(Protocol[ItemT]):
    """Numbered items that are windows of something longer: they can be read with what lies around them.

    Then `discover`, `embed` and `predict` encode every window in its context, and keep what is its own.
    """

    def read_in_context(self, index: int, sight: Sight) -> InContext[ItemT]:
        """Item `index` as `read` gives it without chance, and a stretch around it that the network sees.

        Raises:
            BadItemError: if the item itself cannot be read; context that cannot is left out or silent.
        """
        ...


@runtime_checkable
class InSequence(Protocol):
    """Numbered items that are windows of something longer, one behind the other along the first axis of their grid, or
    in the order of the elements of a set.

    Then objects are found in many windows together, with the mean, the variance and the background of all of them, and
    an object keeps its number over the whole (`FoundBatch.numbers`).
    """

    def whole(self, index: int) -> range:
        """The numbers of all windows of the whole that item `index` is part of, in their order."""
        ...


@runtime_checkable
class InOverlap(Protocol):
    """Numbered items that are windows of something larger without an order, such as a network.

    Their elements have numbers in the whole (`InContext.numbers`). Then objects are found in every window together with
    its context, and by the elements that windows share an object keeps its number over the whole
    (`FoundBatch.numbers`).
    """

    def overlapping(self, index: int) -> range:
        """The numbers of all windows of the whole that item `index` is part of, in their order."""
        ...

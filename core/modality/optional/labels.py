"""What a modality may read and write of labels: masks and trees."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from ...data.items import AbstractItems, Skipped
from ...data.masks import AbstractMasks
from ...data.trees import AbstractTrees, ItemTree

ItemT = TypeVar("ItemT")


@runtime_checkable
class ReadsMasks(Protocol[ItemT]):
    """Masks that come with the data, in the formats of the field: `--masks`."""

    def read_masks(
        self, path: Path, items: AbstractItems[ItemT], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[ItemT]:
        """The masks in a file or folder, matched to the items by the names of their files.

        Args:
            path: the file or folder.
            items: those that `read` gave.
            skipped: files that were left out; their masks may be there.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is of no format that the modality reads, cannot be read, or names a file that no item
                has.
        """
        ...


@runtime_checkable
class ReadsTrees(Protocol[ItemT]):
    """Trees over the elements of items that come with the data: `--label-kind tree`."""

    def read_trees(
        self, path: Path, items: AbstractItems[ItemT], skipped: Sequence[Skipped] = ()
    ) -> AbstractTrees[ItemT]:
        """The trees in a file or folder, matched to the items; arguments and errors are those of `read_masks`."""
        ...


@runtime_checkable
class WritesTrees(Protocol[ItemT]):
    """Trees in the formats of the field. Without it they are written as JSON Lines."""

    def write_trees(self, found: Iterable[tuple[int, ItemT, ItemTree]], items: AbstractItems[ItemT], out: Path) -> str:
        """Write the trees of all items, which come one at a time, to the folder `out`; what was written, in a line."""
        ...

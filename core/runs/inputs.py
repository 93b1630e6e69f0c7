"""Whatever a user has, as numbered items: paths, items in memory, a data set, a loader."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np

from ..data.items import AbstractItems, BadItemError, Skipped, as_bad_item, read_item
from ..modality.base import AbstractModality, Reading
from ..modality.in_python import items_of
from ..modality.named_paths import named_paths
from ..modality.optional import ReadsContext
from ..modality.windows import InContext, Sight
from ..storage.naming import first_lines
from .blocks.block import Block

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class InMemory(AbstractItems[ItemT]):
    """Items that are at hand, in the native form of their modality.

    Example:
        >>> InMemory(["a", "b"], "passage").name(1)
        'passage 2'
    """

    items: Sequence[ItemT]
    word: str = "item"

    def __len__(self) -> int:
        return len(self.items)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:  # noqa: ARG002
        """Item `index`."""
        return self.items[index]

    def name(self, index: int) -> str:
        """Its number, from 1."""
        return f"{self.word} {index + 1}"


def paths_of(data: Any) -> tuple[Path, ...] | None:
    """The paths, where data are a path or several; None where they are something else.

    Example:
        >>> paths_of("songs"), paths_of([]), paths_of([1.0, 2.0])
        ((PosixPath('songs'),), None, None)
    """
    if isinstance(data, str | Path):
        return (Path(data),)
    if isinstance(data, Sequence) and len(data) and all(isinstance(part, str | Path) for part in data):
        return tuple(Path(part) for part in data)
    return None


def reading_of(data: Any, modality: AbstractModality[ItemT], skip_bad: bool = False) -> Reading[ItemT]:
    """Numbered items of a path or several (`named_paths`), or of whatever Python holds some in (`items_of`).

    Raises:
        BadItemError: for a file that cannot be used, unless `skip_bad`.
        ValueError: if there is nothing to read.
        TypeError: for nothing of these.
    """
    paths = paths_of(data)
    if paths is not None:
        return modality.read(named_paths(paths, modality), skip_bad)
    if isinstance(data, Sequence) and len(data) and _native(data, modality):
        return Reading(InMemory(data, modality.name), ())
    return Reading(items_of(data, modality), ())


def _native(data: Sequence[Any], modality: AbstractModality[Any]) -> bool:
    """Whether things in memory are items already, in the native form of their modality."""
    try:
        return items_of(data, modality).read(0, np.random.default_rng(0)) is data[0]
    except BadItemError:
        return False


@final
@dataclass(frozen=True)
class Source(Generic[ItemT]):
    """Items that are read a few at a time: numbered ones, or those of a loader, which come once in its own order.

    Of numbered ones a `block` may be read alone; what is left out of it is its own, and not what is read beside it.
    """

    items: AbstractItems[ItemT] | None
    loader: Iterable[Any]
    word: str
    skipped: list[Skipped] | None
    block: Block | None = None

    @classmethod
    def of(
        cls,
        data: Any,
        modality: AbstractModality[ItemT],
        skipped: list[Skipped] | None,
        block: Block | None = None,
    ) -> "Source[ItemT]":
        """A source of what the user has; items that cannot be read are added to `skipped`, or errors where it is None.

        Raises:
            BadItemError, ValueError, TypeError: as `reading_of`.
        """
        numbered = hasattr(data, "__getitem__") and hasattr(data, "__len__")
        if isinstance(data, Iterable) and not isinstance(data, str | Path | AbstractItems) and not numbered:
            return cls(None, data, modality.name, skipped)
        reading = reading_of(data, modality, skipped is not None)
        if skipped is not None:
            skipped.extend(reading.skipped)
        damaged = [f"damaged {entry.said}" for entry in reading.damaged]
        rest = f"damaged {len(damaged)} files in all; gestalt discover lists them in damaged.txt"
        for line in first_lines(damaged, rest):
            warnings.warn(line, stacklevel=2)
        return cls(reading.items, (), modality.name, skipped, block)

    def numbered(self, what: str) -> AbstractItems[ItemT]:
        """The items by their numbers.

        Raises:
            ValueError: for a loader; `what` says what they are for.
        """
        if self.items is None:
            raise ValueError(f"a loader gives its items once; pass paths, a sequence, or numbered items {what}")
        return self.items

    def name(self, index: int) -> str:
        """Where an item comes from."""
        return f"{self.word} {index + 1}" if self.items is None else self.items.name(index)

    def chunks(self, size: int) -> Iterator[tuple[tuple[int, ...], tuple[ItemT, ...]]]:
        """Items a few at a time, with their numbers.

        Raises:
            BadItemError: for an item that cannot be read where `skipped` is None.
        """
        yield from self._from_loader() if self.items is None else self._numbered(self.items, size)

    def in_context(self, size: int, sight: Sight) -> Iterator[tuple[tuple[int, ...], tuple[InContext[ItemT], ...]]]:
        """Numbered items that can be read with what lies around them (`ReadsContext`), a few at a time.

        Raises:
            BadItemError: as `chunks`.
        """
        items = self.items
        assert isinstance(items, ReadsContext)
        for chunk in self._chunks(size):
            numbers, some = list[int](), list[InContext[ItemT]]()
            for index in chunk:
                try:
                    some.append(items.read_in_context(index, sight))
                    numbers.append(index)
                except Exception as error:  # as `read_item`: libraries raise whatever they like
                    self._leave_out(index, as_bad_item(items.name(index), error))
            if some:
                yield tuple(numbers), tuple(some)

    def __len__(self) -> int:
        """How many there are; 0 for a loader, which does not say."""
        return 0 if self.items is None else len(self.items)

    def _chunks(self, size: int) -> Iterator[range]:
        seen = range(len(self)) if self.block is None else self.block.seen
        yield from (seen[first : first + size] for first in range(0, len(seen), size))

    def _leave_out(self, index: int, error: BadItemError) -> None:
        if self.block is not None and index not in self.block.own:
            return
        if self.skipped is None:
            raise error
        self.skipped.append(Skipped(error.name, error.reason))

    def _from_loader(self) -> Iterator[tuple[tuple[int, ...], tuple[ItemT, ...]]]:
        start = 0
        for part in self.loader:
            some = tuple(part) if isinstance(part, list | tuple) else (part,)
            yield tuple(range(start, start + len(some))), some
            start += len(some)

    def _numbered(self, items: AbstractItems[ItemT], size: int) -> Iterator[tuple[tuple[int, ...], tuple[ItemT, ...]]]:
        rng = np.random.default_rng(0)
        for chunk in self._chunks(size):
            numbers, some = list[int](), list[ItemT]()
            for index in chunk:
                try:
                    some.append(read_item(items, index, rng))
                    numbers.append(index)
                except BadItemError as error:
                    self._leave_out(index, error)
            if some:
                yield tuple(numbers), tuple(some)

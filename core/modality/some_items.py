"""Some items of a data set, which are read as they are in it: alone, in context, together with those of their whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np

from ..data.items import AbstractItems
from .in_context import in_context
from .optional import InOverlap, InSequence, ReadsContext
from .windows import InContext, Sight

ItemT = TypeVar("ItemT")


def some_items(
    items: AbstractItems[ItemT], numbers: Sequence[int], together: bool = True
) -> "Some[ItemT] | SomeInContext[ItemT] | SomeInSequence[ItemT] | SomeInOverlap[ItemT]":
    """Items by their numbers; windows of something longer are still read with what lies around them.

    Args:
        items: the data set.
        numbers: of its items. To be taken `together`, they are consecutive windows of one whole, or all windows of
            several, in their order.
        together: whether windows of a whole are known to be such, so that objects are found in all of them at once.

    Example:
        >>> class Windows(AbstractItems[int]):
        ...     def __len__(self): return 9
        ...     def read(self, index, rng): return index
        ...     def name(self, index): return str(index)
        ...     def whole(self, index): return range(0, 6) if index < 6 else range(6, 9)
        ...     def read_in_context(self, index, sight): ...
        >>> some = some_items(Windows(), [6, 7, 8, 0, 1, 2, 3, 4, 5])
        >>> some.whole(1), some.whole(4), some_items(Windows(), range(2, 5)).whole(1)
        (range(0, 3), range(3, 9), range(0, 3))
    """
    if not isinstance(items, ReadsContext):
        return Some(items, numbers)
    if together and isinstance(items, InOverlap):
        return SomeInOverlap(items, numbers)
    return (
        SomeInSequence(items, numbers) if together and isinstance(items, InSequence) else SomeInContext(items, numbers)
    )


@final
@dataclass(frozen=True)
class Some(AbstractItems[ItemT], Generic[ItemT]):
    """Items that are read alone."""

    items: AbstractItems[ItemT]
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Item `index` of these."""
        return self.items.read(self.numbers[index], rng)

    def name(self, index: int) -> str:
        """Where it comes from."""
        return self.items.name(self.numbers[index])


@final
@dataclass(frozen=True)
class SomeInContext(AbstractItems[ItemT], Generic[ItemT]):
    """Windows, each with what lies around it, of which nobody says what they are windows of."""

    items: AbstractItems[ItemT]
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Window `index` of these."""
        return self.items.read(self.numbers[index], rng)

    def name(self, index: int) -> str:
        """Where it comes from."""
        return self.items.name(self.numbers[index])

    def read_in_context(self, index: int, sight: Sight) -> InContext[ItemT]:
        """With all of its context, which may lie in windows that are not among these."""
        return in_context(self.items, self.numbers[index], sight)


@final
@dataclass(frozen=True)
class SomeInSequence(AbstractItems[ItemT], Generic[ItemT]):
    """Windows that follow one another."""

    items: AbstractItems[ItemT]
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Window `index` of these."""
        return self.items.read(self.numbers[index], rng)

    def name(self, index: int) -> str:
        """Where it comes from."""
        return self.items.name(self.numbers[index])

    def read_in_context(self, index: int, sight: Sight) -> InContext[ItemT]:
        """With all of its context, which may lie in windows that are not among these."""
        return in_context(self.items, self.numbers[index], sight)

    def whole(self, index: int) -> range:
        """Those of the same whole among these."""
        assert isinstance(self.items, InSequence)
        return _among(self.items.whole(self.numbers[index]), self.numbers, index)


@final
@dataclass(frozen=True)
class SomeInOverlap(AbstractItems[ItemT], Generic[ItemT]):
    """Windows that overlap without an order."""

    items: AbstractItems[ItemT]
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Window `index` of these."""
        return self.items.read(self.numbers[index], rng)

    def name(self, index: int) -> str:
        """Where it comes from."""
        return self.items.name(self.numbers[index])

    def read_in_context(self, index: int, sight: Sight) -> InContext[ItemT]:
        """With all of its context, which may lie in windows that are not among these."""
        return in_context(self.items, self.numbers[index], sight)

    def overlapping(self, index: int) -> range:
        """Those of the same whole among these."""
        assert isinstance(self.items, InOverlap)
        return _among(self.items.overlapping(self.numbers[index]), self.numbers, index)


def _among(whole: range, numbers: Sequence[int], index: int) -> range:
    """Where the windows of a whole are among `numbers`, which hold them one behind the other."""
    own = numbers[index]
    return range(max(0, index - (own - whole.start)), min(len(numbers), index + whole.stop - own))

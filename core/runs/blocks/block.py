"""Blocks: which items are encoded together by one worker, so that the result is that of one process."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

from ...data.items import AbstractItems
from ...modality.optional import InOverlap, InSequence, ReadsContext


@final
@dataclass(frozen=True)
class Block:
    """Some items that follow one another.

    Attributes:
        number: of the block, from 0.
        first: the first item whose results are the block's own.
        last: the one behind the last of them.
        begin: the first item that is read: where the items that are encoded at once begin.
        end: the one behind the last that is read.
        names: what the first and the last item are called, by which a worker sees that it reads the same files.
    """

    number: int
    first: int
    last: int
    begin: int
    end: int
    names: tuple[str, str]

    @property
    def own(self) -> range:
        """The items whose results are the block's own."""
        return range(self.first, self.last)

    @property
    def seen(self) -> range:
        """The items that are read."""
        return range(self.begin, self.end)


def blocks_of(items: AbstractItems[Any], size: int, together: int, wholes: bool = True) -> tuple[Block, ...]:
    """All items in blocks of about `size`.

    What is encoded at once is the same as in one process: a block reads from and to multiples of `together`. What is
    cut into windows is not divided between blocks, since its objects are found together; a few windows before and
    behind it are read for the sake of the others alone.

    Args:
        items: of the archive.
        size: items of a block, at least.
        together: items that are encoded at once.
        wholes: keep the windows of a whole together.

    Raises:
        ValueError: if there are no items.
    """
    count, step = len(items), max(1, -(-size // together)) * together
    if not count:
        raise ValueError("there are no items; name files or folders that hold some")
    bounds = [0]
    while bounds[-1] < count:
        behind = min(count, bounds[-1] + step)
        bounds.append(_end_of_whole(items, behind) if wholes else behind)
    return tuple(
        Block(
            number,
            first,
            last,
            first // together * together,
            min(count, -(-last // together) * together),
            (items.name(first), items.name(last - 1)),
        )
        for number, (first, last) in enumerate(pairwise(bounds))
    )


def _end_of_whole(items: AbstractItems[Any], behind: int) -> int:
    """Where the whole ends that item `behind - 1` is of."""
    if not isinstance(items, ReadsContext):  # each is seen by itself
        return behind
    whole = range(0)
    if isinstance(items, InOverlap):
        whole = items.overlapping(behind - 1)
    elif isinstance(items, InSequence):
        whole = items.whole(behind - 1)
    return max(behind, whole.stop)

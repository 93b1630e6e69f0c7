"""Masks that come with the data: the object of every element of an item, drawn by people or known otherwise."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, final, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from .feature_map import Grid

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class ItemMasks:
    """The object of every element of one item, −1 for none, and where these elements lie.

    The elements are those of the masks (pixels, the stretches between two events), whatever an encoder makes of the
    item. `grid` is in the item's own axis units (pixels, seconds); None for sets, whose element `i` is the item's
    `i`-th. `names` are those of the objects, by number; an object beyond them has none.

    Example: an event from half a second on.

        >>> masks = ItemMasks(torch.tensor([-1, 0]), Grid((torch.tensor([[0.0, 0.5, 2.0]]),)), ("dog",))
        >>> masks.under(Grid.uniform((4,), (0.5,)), 4).tolist(), masks.name(0), masks.name(1)
        ([-1, 0, 0, 0], 'dog', 'object 2')
    """

    labels: Int[Tensor, " elements"]
    grid: Grid | None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        grids = 1 if self.grid is None else max(len(edges) for edges in self.grid.edges)
        if self.grid is not None and (self.grid.elements != len(self.labels) or grids != 1):
            raise ValueError(
                f"the masks of one item have one grid of as many cells as labels, got {self.grid.elements} cells for "
                f"{len(self.labels)} labels, and {grids} grids"
            )
        if len(self.labels) and int(self.labels.min()) < -1:
            raise ValueError(f"objects are numbered from 0, −1 is none; got {int(self.labels.min())}")

    def objects(self) -> list[int]:
        """The numbers of the objects that have an element."""
        numbers: list[int] = self.labels[self.labels >= 0].unique().tolist()
        return numbers

    def name(self, number: int) -> str:
        """The name of an object, its number (from 1) where it has none."""
        return (self.names[number] if number < len(self.names) else "") or f"object {number + 1}"

    def under(self, grid: Grid | None, elements: int) -> Int[Tensor, " elements"]:
        """The object under the centre of each of an item's elements, −1 for none and outside the masks.

        Args:
            grid: where the elements lie; it may have further axes behind those of the masks. None for a set.
            elements: how many there are.

        Raises:
            ValueError: if only one of both lies on a grid, the elements lack an axis of the masks, or two sets have
                different sizes.
        """
        if grid is None and self.grid is None and elements == len(self.labels):
            return self.labels.long()
        if grid is None or self.grid is None or len(grid.edges) < len(self.grid.edges):
            raise ValueError(
                f"masks of {described(self.grid, len(self.labels))} cannot be laid on {described(grid, elements)}; "
                "both lie on a grid, of which the masks may lack axes, or both are the same set"
            )
        found = self.grid.locate(grid.centres()[..., : len(self.grid.edges)])[0]
        return torch.where(found >= 0, self.labels[found.clamp(min=0)].long(), -1)


def described(grid: Grid | None, elements: int) -> str:
    """Elements in words.

    Example:
        >>> described(Grid.uniform((2, 3), (1.0, 1.0)), 6), described(None, 5)
        ('a grid of 2 × 3 cells', 'a set of 5 elements')
    """
    return f"a set of {elements} elements" if grid is None else f"a grid of {' × '.join(map(str, grid.shape))} cells"


class AbstractMasks(abc.ABC, Generic[ItemT]):
    """The masks of numbered items, read one at a time, from any number of worker processes."""

    @abc.abstractmethod
    def has(self, index: int) -> bool:
        """Whether item `index` may have a mask; asked of all items, so it reads none."""

    @abc.abstractmethod
    def of_item(self, index: int, item: ItemT) -> ItemMasks | None:
        """The masks of item `index`, None where it has none.

        `item` is the item as it was read: it tells which part of its file it is, where a window begins a little
        earlier or later every time.

        Raises:
            BadItemError: if the mask cannot be read or does not fit the item; it names the file of the mask.
        """


@runtime_checkable
class LeavesUnused(Protocol):
    """Masks of which some belong to no item, as where only a part of a data set is read."""

    @property
    def unused(self) -> tuple[str, ...]:
        """What these are called where the masks are written."""
        ...


@final
@dataclass(frozen=True)
class ListedMasks(AbstractMasks[ItemT], Generic[ItemT]):
    """Masks that are at hand, one for every item or None.

    Example:
        >>> masks = ListedMasks([ItemMasks(torch.tensor([0, 1]), None), None])
        >>> masks.has(0), masks.has(1)
        (True, False)
    """

    masks: Sequence[ItemMasks | None]

    def has(self, index: int) -> bool:
        """Whether there is one."""
        return self.masks[index] is not None

    def of_item(self, index: int, item: ItemT) -> ItemMasks | None:  # noqa: ARG002
        """Mask `index`."""
        return self.masks[index]

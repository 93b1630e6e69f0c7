"""Masks that come with the data: the object of every element of an item, drawn by people or known otherwise."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, final, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from .grid import Grid
from .places import Parts, Places, one_grid, parts_in

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class ItemMasks:
    """The object of every element of one item, −1 for none, and where these elements lie.

    The elements are those of the masks (pixels, the stretches between two events), whatever an encoder makes of the
    item. `grid` is in the item's own axis units (pixels, seconds); None for sets, whose element `i` is the item's
    `i`-th. `names` are those of the objects, by number; an object beyond them has none. Of a joint item, `parts` says
    where the elements of each part lie, one part behind the other; `grid` is None then.

    Example: an event from half a second on.

        >>> masks = ItemMasks(torch.tensor([-1, 0]), Grid((torch.tensor([[0.0, 0.5, 2.0]]),)), ("dog",))
        >>> masks.under(Grid.uniform((4,), (0.5,)), 4).tolist(), masks.name(0), masks.name(1)
        ([-1, 0, 0, 0], 'dog', 'object 2')
    """

    labels: Int[Tensor, " elements"]
    grid: Grid | None
    names: tuple[str, ...] = ()
    parts: Parts | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        grids = 1 if self.grid is None else max(len(edges) for edges in self.grid.edges)
        if self.grid is not None and (self.grid.elements != len(self.labels) or grids != 1):
            raise ValueError(
                f"the masks of one item have one grid of as many cells as labels, got {self.grid.elements} cells for "
                f"{len(self.labels)} labels, and {grids} grids"
            )
        if self.parts is not None and (self.grid is not None or self.parts.elements != len(self.labels)):
            raise ValueError(f"{self.parts.elements} elements of parts need as many labels, got {len(self.labels)}")
        if len(self.labels) and int(self.labels.min()) < -1:
            raise ValueError(f"objects are numbered from 0, −1 is none; got {int(self.labels.min())}")

    @classmethod
    def of_parts(cls, masks: "Mapping[str, ItemMasks | None]") -> "ItemMasks":
        """The masks of all parts of an item as one; None for a part without any, whose elements are of no object.

        Objects of two parts are one if they have the same name, and no other object of either part has it.

        Example:
            >>> seen = ItemMasks(torch.tensor([0, 0, 1]), Grid.uniform((3,), (1.0,)), ("dog", "cat"))
            >>> told = ItemMasks(torch.tensor([-1, 0]), None, ("cat",))
            >>> both = ItemMasks.of_parts({"image": seen, "text": told, "audio": None})
            >>> both.labels.tolist(), both.names, both.part("text").labels.tolist()
            ([0, 0, 1, -1, 1], ('dog', 'cat'), [-1, 1])
        """
        labels, names, known = list[Tensor](), list[str](), dict[str, int]()
        for mask in masks.values():
            if mask is None:
                labels.append(torch.empty(0, dtype=torch.long))
                continue
            called = {number: mask.names[number] for number in mask.objects() if number < len(mask.names)}
            alone = {name for name in called.values() if name and list(called.values()).count(name) == 1}
            own, numbers = mask.labels.long(), torch.full((max(mask.objects(), default=-1) + 1,), -1)
            for number in mask.objects():
                name = called.get(number, "")
                if name not in alone or name not in known:
                    if name in alone:
                        known[name] = len(names)
                    numbers[number] = len(names)
                    names.append(name)
                else:
                    numbers[number] = known[name]
            labels.append(torch.where(own >= 0, numbers[own.clamp(min=0)] if len(numbers) else own, -1))
        grids = tuple(None if mask is None else mask.grid for mask in masks.values())
        parts = Parts(tuple(masks), tuple(map(len, labels)), grids)
        return cls(torch.cat(labels), None, tuple(names), parts)

    @classmethod
    def on(cls, labels: Int[Tensor, " elements"], places: Places | None, names: tuple[str, ...] = ()) -> "ItemMasks":
        """Masks of elements that lie on a lattice, in a set (None), or in parts.

        Example:
            >>> ItemMasks.on(torch.tensor([0, 1]), Parts(("a", "b"), (1, 1), (None, None))).part("b").labels.tolist()
            [1]
        """
        parts = places if isinstance(places, Parts) else None
        return cls(labels, None if parts is not None else one_grid(places), names, parts)

    def part(self, name: str) -> "ItemMasks":
        """The masks of one part of a joint item, with the numbers of the item; no element where it has none.

        Raises:
            ValueError: if these are of no several parts, or there is no such part.
        """
        parts = parts_in(self.parts)
        return ItemMasks(self.labels[parts.here(name)], parts.grids[parts.names.index(name)], self.names)

    @property
    def places(self) -> Places | None:
        """Where the elements lie: on one lattice, as a set, or those of each part."""
        return self.grid if self.parts is None else self.parts

    def objects(self) -> list[int]:
        """The numbers of the objects that have an element."""
        numbers: list[int] = self.labels[self.labels >= 0].unique().tolist()
        return numbers

    def name(self, number: int) -> str:
        """The name of an object, its number (from 1) where it has none."""
        return (self.names[number] if number < len(self.names) else "") or f"object {number + 1}"

    def under(self, grid: Places | None, elements: int) -> Int[Tensor, " elements"]:
        """The object under the centre of each of an item's elements, −1 for none and outside the masks.

        Args:
            grid: where the elements lie; it may have further axes behind those of the masks. None for a set. Those
                of a joint item are looked at part by part; a part without masks has no object.
            elements: how many there are.

        Raises:
            ValueError: if only one of both lies on a grid, the elements lack an axis of the masks, or two sets have
                different sizes.
        """
        if self.parts is not None:
            own = [
                self.part(name).under(lattice, cells)
                if len(self.part(name).labels) and cells
                else torch.full((cells,), -1)
                for name, cells, lattice in zip(*_fields(parts_in(grid)), strict=True)
            ]
            return torch.cat(own)
        grid = one_grid(grid)
        if grid is None and self.grid is None and elements == len(self.labels):
            return self.labels.long()
        if grid is None or self.grid is None or len(grid.edges) < len(self.grid.edges):
            raise ValueError(
                f"masks of {described(self.grid, len(self.labels))} cannot be laid on {described(grid, elements)}; "
                "both lie on a grid, of which the masks may lack axes, or both are the same set"
            )
        found = self.grid.locate(grid.centres()[..., : len(self.grid.edges)])[0]
        return torch.where(found >= 0, self.labels[found.clamp(min=0)].long(), -1)


def _fields(parts: Parts) -> tuple[tuple[str, ...], tuple[int, ...], tuple[Grid | None, ...]]:
    return parts.names, parts.cells, parts.grids


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

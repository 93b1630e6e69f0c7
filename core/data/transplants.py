"""Objects of other items set into an item: how often and how large, and the masks of the item that comes of it."""

from dataclasses import dataclass, replace
from functools import reduce
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ..components.ranges import Count, PositiveShare, Share, check_ordered, check_ranges
from .correspondence import AbstractCorrespondence, Affine
from .feature_map import Grid
from .in_parts import InParts
from .mask_batches import carried, part_by_part
from .masks import ItemMasks

HOST, DONOR, NEITHER = 0, 1, -1
"""What an element of a composed item shows, see `Transplant.owner`."""
APART = 1e-4
"""Edges of cells that lie nearer to one another, as a share of the extent of an axis, are one."""


@final
@dataclass(frozen=True)
class Transplants:
    """How often objects of other items are set into an item, how many, and how large they are."""

    chance: Share = 1.0
    """Share of items that get any."""
    most: Count = 2
    """An item that gets any gets 1 to so many."""
    smallest: PositiveShare = 0.015
    """Smaller objects, as a share of their item's extent, are not used."""
    largest: PositiveShare = 0.3
    """Larger objects are not used."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "smallest", "largest")

    def suitable(self, masks: ItemMasks) -> list[int]:
        """The objects of an item that are neither too small nor too large, in any part in which they have elements.

        Example:
            >>> masks = ItemMasks(torch.tensor([0, 0, 0, 1, 2, -1]), Grid.uniform((6,), (1.0,)))
            >>> Transplants(smallest=0.1, largest=0.4).suitable(masks)
            [1, 2]
        """
        alone = [masks] if masks.parts is None else [masks.part(name) for name in masks.parts.names]
        alone = [own for own in alone if len(own.labels)]
        if not alone:
            return []
        shares = torch.stack([_shares(own, max(masks.objects(), default=-1) + 1) for own in alone])
        fits = (shares == 0) | ((shares >= self.smallest) & (shares <= self.largest))
        found: list[int] = (fits.all(dim=0) & (shares > 0).any(dim=0)).nonzero()[:, 0].tolist()
        return found


def _shares(masks: ItemMasks, objects: int) -> Float[Tensor, " objects"]:
    """How much of the item every object takes up."""
    extents, inside = _extents(masks), masks.labels >= 0
    counts = torch.bincount(masks.labels[inside].long(), weights=extents[inside], minlength=objects)
    return counts / extents.sum()


def _extents(masks: ItemMasks) -> Float[Tensor, " elements"]:
    """How much of its item every element takes up: the area of its cell, 1 in a set."""
    if masks.grid is None:
        return torch.ones(len(masks.labels), dtype=torch.float64)
    widths = [edges[0].double().diff() for edges in masks.grid.edges]
    return reduce(lambda done, width: (done[:, None] * width).flatten(), widths)


def part_of(masks: ItemMasks, number: int) -> ItemMasks:
    """One object of an item alone, as object 0.

    Example:
        >>> part_of(ItemMasks(torch.tensor([0, 2, 2, -1]), None, ("a", "b", "c")), 2)
        ItemMasks(labels=tensor([-1,  0,  0, -1]), grid=None, names=('c',))
    """
    labels = torch.where(masks.labels == number, 0, -1)
    return ItemMasks.on(labels, masks.places, masks.names[number : number + 1])


def composed(masks: ItemMasks, host: AbstractCorrespondence, owner: ItemMasks, name: str = "") -> ItemMasks:
    """The masks of an item into which an object of another was set, from those of the item that it was.

    Where it shows its host the objects are the host's, the object that was set in has the next free number, and what
    shows neither belongs to none. Cells of both masks that are not the same are cut along the edges of both.

    Args:
        masks: those of the host.
        host: which element of the host every element of the composed item shows.
        owner: what every element of the composed item shows: 0 the host, 1 the donor, −1 neither.
        name: of the object that was set in.

    Raises:
        ValueError: if nothing is known of the host, or one of both masks lies on a grid and the other on a set.

    Example: of three words the last is replaced by two of another sentence.

        >>> from gestalt.core.data.correspondence import Index
        >>> host, owner = Index.of([0, 1, -1, -1]), ItemMasks(torch.tensor([0, 0, 1, 1]), None)
        >>> composed(ItemMasks(torch.tensor([-1, 0, 0]), None, ("verb",)), host, owner, "noun")
        ItemMasks(labels=tensor([-1,  0,  1,  1]), grid=None, names=('verb', 'noun'))
    """
    number = max(int(masks.labels.max()) + 1 if len(masks.labels) else 0, len(masks.names) if name else 0)
    names = (*masks.names, *[""] * (number - len(masks.names)), name) if name else masks.names
    if isinstance(host, InParts):
        rules = dict(zip(host.names, host.rules, strict=True))
        found = part_by_part(masks, lambda part, own: _in_part(own, rules[part], owner.part(part), number))
    else:
        found = _composed(masks, host, owner, number)
    return replace(found, names=names)


def _in_part(masks: ItemMasks, host: AbstractCorrespondence | None, owner: ItemMasks, number: int) -> ItemMasks:
    """One part of a joint item: as it is where nothing was set in; without masks, what was set in is all there is."""
    if host is None or bool((owner.labels == HOST).all()):
        return masks
    if not len(masks.labels):
        return replace(masks, labels=torch.where(owner.labels == DONOR, number, NEITHER), grid=owner.grid)
    return _composed(masks, host, owner, number)


def _composed(masks: ItemMasks, host: AbstractCorrespondence, owner: ItemMasks, number: int) -> ItemMasks:
    """Objects on one lattice or of a set, with what was set in as object `number`."""
    shown = masks if _is_identity(host) else carried(masks, host)
    if shown is None:
        raise ValueError("nothing is known of where a composed item shows its host; state the correspondence")
    if _same_places(shown, owner):
        grid, below, owners = owner.grid, shown.labels, owner.labels
    else:
        grid, elements = _common(shown, owner)
        below, owners = shown.under(grid, elements), owner.under(grid, elements)
    labels = torch.where(owners == HOST, below, torch.where(owners == DONOR, number, NEITHER))
    return replace(masks, labels=labels, grid=grid)


def _is_identity(correspondence: AbstractCorrespondence) -> bool:
    """Whether a correspondence on axes changes nothing; most hosts stay where they are."""
    if not isinstance(correspondence, Affine) or correspondence.hidden_offset.shape[1]:
        return False
    unturned = torch.equal(correspondence.matrix[0], torch.eye(correspondence.offset.shape[1]))
    return unturned and not bool(correspondence.offset.any()) and bool(correspondence.known.all())


def _same_places(one: ItemMasks, two: ItemMasks) -> bool:
    if one.grid is None or two.grid is None:
        return one.grid is two.grid and len(one.labels) == len(two.labels)
    return one.grid.shape == two.grid.shape and all(map(torch.equal, one.grid.edges, two.grid.edges))


def _common(one: ItemMasks, two: ItemMasks) -> tuple[Grid | None, int]:
    """Cells cut along the edges of both, on the axes of the one that has more; and how many they are."""
    if one.grid is None or two.grid is None:
        return one.grid or two.grid, len(two.labels)  # two sets of unlike sizes, or a set and a grid: `under` says so
    more, fewer = sorted((one.grid, two.grid), key=lambda grid: -len(grid.edges))
    edges = list(more.edges)
    for axis, others in enumerate(fewer.edges):
        edges[axis] = _merged(edges[axis][0], others[0])
    grid = Grid(tuple(edges))
    return grid, grid.elements


def _merged(one: Float[Tensor, " _"], two: Float[Tensor, " _"]) -> Float[Tensor, "1 edges"]:
    """The edges of both, those that agree but for rounding once."""
    both = torch.cat([one, two]).sort().values
    kept = torch.ones(len(both), dtype=torch.bool)
    kept[1:] = both.diff() > APART * float(both[-1] - both[0])
    return both[kept][None]

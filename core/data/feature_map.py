"""One vector per element, and where the elements lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .grid import Grid as Grid
from .places import Parts, Places, one_grid, parts_in


@final
@dataclass(frozen=True)
class Links:
    """What joins elements of a set, and a vector for every such link: the bonds of molecules before they are mixed.

    `ends` number the elements of the whole batch, padding included, row after row: from the first to the second.
    """

    ends: Int[Tensor, "2 links"]
    values: Float[Tensor, "links dim"]

    def to(self, device: torch.device | str) -> "Links":
        """The same links on another device."""
        return Links(self.ends.to(device), self.values.to(device))


@final
@dataclass(frozen=True)
class FeatureMap:
    """One vector per element of every item in a batch.

    Ragged items are padded; `valid` is False on padding, and an element that is not valid influences nothing.
    `places` tells where the elements lie; None for sets (words, nodes, points), whose element `i` is the item's `i`-th.
    `neighbours` tells which elements of a set are joined, where that is known (nodes by edges): symmetric.
    `sizes` tells how much each element stands for, where elements are regions of finer ones: None, all stand for one.
    `links` is for tokens alone (`InTwoSteps`): what joins them, where more is known of that than whether.

    Example:
        >>> features = FeatureMap(torch.ones(1, 3, 2), torch.tensor([[True, True, False]]))
        >>> features.values[features.valid].shape
        torch.Size([2, 2])
    """

    values: Float[Tensor, "batch elements dim"]
    valid: Bool[Tensor, "batch elements"]
    places: Places | None = None
    neighbours: Bool[Tensor, "batch elements elements"] | None = None
    sizes: Float[Tensor, "batch elements"] | None = None
    links: Links | None = None

    def __post_init__(self) -> None:
        if self.values.shape[:2] != self.valid.shape:
            raise ValueError(
                "values and valid must agree on batch and elements, "
                f"got values {tuple(self.values.shape)} and valid {tuple(self.valid.shape)}"
            )
        if self.places is not None and self.places.elements != self.values.shape[1]:
            raise ValueError(
                f"the places {self.places.shape} have {self.places.elements} elements, "
                f"the values have {self.values.shape[1]}"
            )

    @property
    def grid(self) -> Grid | None:
        """The one lattice of the elements; None for sets.

        Raises:
            ValueError: for elements of several parts, each of which has its own places (`part`).
        """
        return one_grid(self.places)

    def part(self, name: str) -> "FeatureMap":
        """The elements of one part of a joint item.

        Raises:
            ValueError: if these are of no several parts, or there is no such part.
        """
        places = parts_in(self.places)
        here = places.here(name)
        neighbours = None if self.neighbours is None else self.neighbours[:, here, here]
        grid = places.grids[places.names.index(name)]
        return FeatureMap(self.values[:, here], self.valid[:, here], grid, neighbours)

    @classmethod
    def padded(cls, items: Sequence[Float[Tensor, "_ dim"]], step: float | None = None) -> "FeatureMap":
        """Items that have one row of numbers per element already, as one batch padded with zeros.

        Args:
            items: for every item one row per element.
            step: the extent of an element where the elements lie along one axis, in its unit; None for sets.

        Raises:
            ValueError: if there are no items.

        Example:
            >>> batch = FeatureMap.padded([torch.ones(2, 3), torch.ones(4, 3)], step=0.5)
            >>> batch.values.shape, batch.valid.sum(dim=1).tolist(), batch.grid.shape
            (torch.Size([2, 4, 3]), [2, 4], (4,))
        """
        if not items:
            raise ValueError("a batch needs at least one item, got none")
        values = torch.nn.utils.rnn.pad_sequence(list(items), batch_first=True)
        lengths = torch.tensor([len(item) for item in items])
        valid = torch.arange(values.shape[1]) < lengths[:, None]
        return cls(values, valid, None if step is None else Grid.uniform((values.shape[1],), (step,)))

    def with_values(self, values: Float[Tensor, "batch elements other"]) -> "FeatureMap":
        """Other vectors for the same elements."""
        return FeatureMap(values, self.valid, self.places, self.neighbours, self.sizes, self.links)

    def rows(self, index: Int[Tensor, " rows"]) -> "FeatureMap":
        """Some items of the batch."""
        places = None if self.places is None else self.places.rows(index)
        neighbours = None if self.neighbours is None else self.neighbours[index]
        sizes = None if self.sizes is None else self.sizes[index]
        return FeatureMap(self.values[index], self.valid[index], places, neighbours, sizes)

    def on_elements_of(self, other: "FeatureMap", missing: float = 0.0) -> Float[Tensor, "batch elements_of_other dim"]:
        """These vectors looked up at the centres of another map's elements; `missing` where those lie outside.

        Both are maps of the same items. The other lattice may have further axes behind this one's. Sets must have the
        same elements. Of joint items each part is looked up by itself.

        Raises:
            ValueError: if only one of them lies on a lattice, this lattice has further axes (`on_axes_of`), or two sets
                have different sizes.
        """
        if isinstance(other.places, Parts):
            names = other.places.names
            return torch.cat([self.part(name).on_elements_of(other.part(name), missing) for name in names], dim=1)
        if self.grid is None and other.grid is None and self.valid.shape == other.valid.shape:
            return self.values
        if self.grid is None or other.grid is None:
            raise ValueError(
                f"features of {self.values.shape[1]} and {other.values.shape[1]} elements cannot be laid side by side: "
                "both must lie on a grid, or be sets of the same elements"
            )
        if len(self.grid.shape) > len(other.grid.shape):
            raise ValueError(
                f"vectors on a lattice of {self.grid.shape} cannot be looked up on one of {other.grid.shape}, which "
                "has fewer axes: average them over their further axes first (on_axes_of)"
            )
        centres = other.grid.centres()[..., : len(self.grid.shape)].to(self.values.device)
        found = self.grid.locate(centres.expand(len(self.values), -1, -1))
        index = found.clamp(min=0)[..., None].expand(-1, -1, self.values.shape[2])
        return torch.where(found[..., None] >= 0, self.values.gather(1, index), missing)

    def to(self, device: torch.device | str) -> "FeatureMap":
        """The same features on another device."""
        places = None if self.places is None else self.places.to(device)
        neighbours = None if self.neighbours is None else self.neighbours.to(device)
        sizes = None if self.sizes is None else self.sizes.to(device)
        links = None if self.links is None else self.links.to(device)
        return FeatureMap(self.values.to(device), self.valid.to(device), places, neighbours, sizes, links)


def side_by_side(levels: Sequence[FeatureMap]) -> FeatureMap:
    """Several maps of the same items as one, on the elements of the first: their vectors one behind the other.

    For encoders of several levels, such as a feature pyramid: an object's mean over the joint map holds its mean over
    every level. Each element takes the vectors that lie under its centre; pass the finest level first.

    Raises:
        ValueError: if there is no map, or if one lies on a lattice and another does not.

    Example:
        >>> fine = FeatureMap(torch.ones(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), Grid.uniform((4,), (1.0,)))
        >>> coarse = FeatureMap(torch.ones(1, 2, 3), torch.ones(1, 2, dtype=torch.bool), Grid.uniform((2,), (2.0,)))
        >>> side_by_side([fine, coarse]).values.shape
        torch.Size([1, 4, 5])
    """
    if not levels:
        raise ValueError("there are no maps to lay side by side")
    finest = levels[0]
    return finest.with_values(torch.cat([level.on_elements_of(finest) for level in levels], dim=-1))


def item_means(features: FeatureMap) -> Float[Tensor, "batch dim"]:
    """The mean vector of every item's valid elements, in float32; zero for an item that has none."""
    valid = features.valid[..., None]
    values = torch.where(valid, features.values.float(), 0.0)
    means: Tensor = values.sum(dim=1) / valid.sum(dim=1).clamp(min=1)
    return means


def item_means_and_sums(features: FeatureMap) -> Float[Tensor, "batch twice_dim"]:
    """For every item the mean and the sum of its valid elements, side by side: what it is like, and how much of it.

    Example:
        >>> features = FeatureMap(torch.ones(1, 3, 2), torch.tensor([[True, True, False]]))
        >>> item_means_and_sums(features).tolist()
        [[1.0, 1.0, 2.0, 2.0]]
    """
    values = torch.where(features.valid[..., None], features.values.float(), 0.0)
    return torch.cat([item_means(features), values.sum(dim=1)], dim=1)

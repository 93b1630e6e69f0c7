"""One vector per element, and where the elements lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@final
@dataclass(frozen=True)
class Grid:
    """A lattice of elements: for every axis the edges of its cells, in the axis's own unit (seconds, octaves, pixels).

    Cell `i` of an axis covers `[edges[i], edges[i + 1])`. Elements are numbered in row-major order over the axes.
    The leading axis is 1 where all items share the lattice, and the batch where every item has its own
    (frames of a clip with a variable frame rate). Edges are small and may stay on the CPU: look-ups move them.

    Example:
        >>> grid = Grid.uniform(cells=(4,), step=(0.5,))
        >>> grid.shape, grid.centres()[0, :, 0].tolist()
        ((4,), [0.25, 0.75, 1.25, 1.75])
        >>> grid.locate(torch.tensor([[[0.6], [9.0]]])).tolist()
        [[1, -1]]
    """

    edges: tuple[Float[Tensor, "_ _"], ...]

    def __post_init__(self) -> None:
        if not self.edges:
            raise ValueError("a Grid needs at least one axis, got none")
        for axis, edges in enumerate(self.edges):
            if edges.shape[1] < 2 or not bool((edges[:, 1:] > edges[:, :-1]).all()):
                raise ValueError(f"edges of axis {axis} must increase and bound at least one cell, got {edges}")

    @classmethod
    def uniform(cls, cells: tuple[int, ...], step: tuple[float, ...], start: tuple[float, ...] | None = None) -> "Grid":
        """A lattice of equal cells: axis `a` has `cells[a]` of width `step[a]` from `start[a]` (default 0)."""
        start = (0.0,) * len(cells) if start is None else start
        axes = zip(cells, step, start, strict=True)
        return cls(tuple((begin + width * torch.arange(n + 1, dtype=torch.float32))[None] for n, width, begin in axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(edges.shape[1] - 1 for edges in self.edges)

    @property
    def elements(self) -> int:
        """Number of cells in all."""
        return int(torch.Size(self.shape).numel())

    def centres(self) -> Float[Tensor, "rows elements axes"]:
        """The centre of every element, in axis units; `rows` is 1 or the batch."""
        rows = max(edges.shape[0] for edges in self.edges)
        middles = [((edges[:, 1:] + edges[:, :-1]) / 2).expand(rows, -1) for edges in self.edges]
        index = torch.cartesian_prod(*(torch.arange(n) for n in self.shape)).view(self.elements, -1)
        return torch.stack([middle[:, index[:, axis].to(middle.device)] for axis, middle in enumerate(middles)], dim=-1)

    def locate(self, positions: Float[Tensor, "batch points axes"]) -> Int[Tensor, "batch points"]:
        """The element whose cell holds each position, −1 outside the lattice."""
        batch, points, _ = positions.shape
        found = torch.zeros(batch, points, dtype=torch.long, device=positions.device)
        inside = torch.ones(batch, points, dtype=torch.bool, device=positions.device)
        for axis, (edges, n) in enumerate(zip(self.edges, self.shape, strict=True)):
            rows = edges.to(positions.device, non_blocking=True).expand(batch, -1).contiguous()
            cell = torch.searchsorted(rows, positions[..., axis].contiguous(), right=True) - 1
            inside &= (cell >= 0) & (cell < n)
            found = found * n + cell.clamp(0, n - 1)
        return torch.where(inside, found, -1)

    def to(self, device: torch.device | str) -> "Grid":
        """The same lattice on another device."""
        return Grid(tuple(edges.to(device, non_blocking=True) for edges in self.edges))


@final
@dataclass(frozen=True)
class Parts:
    """Where the elements of a joint item lie: those of its parts one behind the other, each part with its own lattice.

    `cells` counts the elements of each part; `grids` are their lattices, None for sets. Parts are in the order of the
    joint modality and have its names.

    Example: three seconds of sound, and two words.

        >>> parts = Parts(("audio", "text"), (3, 2), (Grid.uniform((3,), (1.0,)), None))
        >>> parts.elements, parts.slices["text"], parts.owner().tolist()
        (5, slice(3, 5, None), [0, 0, 0, 1, 1])
    """

    names: tuple[str, ...]
    cells: tuple[int, ...]
    grids: tuple[Grid | None, ...]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.cells) == len(self.grids) > 0:
            raise ValueError(
                f"parts need as many names as cells and grids, got {self.names}, {self.cells} and {len(self.grids)} grids"
            )
        for name, cells, grid in zip(self.names, self.cells, self.grids, strict=True):
            if grid is not None and grid.elements != cells:
                raise ValueError(f"the grid of part {name!r} has {grid.elements} cells, got {cells} elements")

    @property
    def elements(self) -> int:
        """Number of elements in all."""
        return sum(self.cells)

    @property
    def slices(self) -> dict[str, slice]:
        """Which elements each part has, by its name."""
        ends = list(accumulate(self.cells))
        return {name: slice(end - cells, end) for name, cells, end in zip(self.names, self.cells, ends, strict=True)}

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements of each part."""
        return self.cells

    def owner(self) -> Int[Tensor, " elements"]:
        """The number of the part of every element."""
        return torch.arange(len(self.cells)).repeat_interleave(torch.tensor(self.cells))

    def to(self, device: torch.device | str) -> "Parts":
        """The same places on another device."""
        return Parts(
            self.names, self.cells, tuple(None if grid is None else grid.to(device) for grid in self.grids)
        )


Places = Grid | Parts
"""Where elements lie: on one lattice, or each part of them on its own."""


def one_grid(places: Places | None) -> Grid | None:
    """The lattice of elements that have one, None for sets.

    Raises:
        ValueError: for elements of several parts.
    """
    if isinstance(places, Parts):
        raise ValueError(
            f"elements of one lattice or one set are needed here, and these are of the parts {', '.join(places.names)}: "
            "take something that compares vectors alone, or that goes part by part (PartByPart)"
        )
    return places


@final
@dataclass(frozen=True)
class FeatureMap:
    """One vector per element of every item in a batch.

    Ragged items are padded; `valid` is False on padding, and an element that is not valid influences nothing.
    `places` tells where the elements lie; None for sets (words, nodes, points), whose element `i` is the item's `i`-th.
    `neighbours` tells which elements of a set are joined, where that is known (nodes by edges): symmetric.
    `sizes` tells how much each element stands for, where elements are regions of finer ones: None, all stand for one.

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

    def __post_init__(self) -> None:
        if self.values.shape[:2] != self.valid.shape:
            raise ValueError(
                "values and valid must agree on batch and elements, "
                f"got values {tuple(self.values.shape)} and valid {tuple(self.valid.shape)}"
            )
        if self.places is not None and self.places.elements != self.values.shape[1]:
            raise ValueError(
                f"the places {self.places.shape} are {self.places.elements}, got {self.values.shape[1]} elements"
            )

    @property
    def grid(self) -> Grid | None:
        """The one lattice of the elements; None for sets.

        Raises:
            ValueError: for elements of several parts, each of which has its own places (`part`).
        """
        return one_grid(self.places)

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
        return FeatureMap(values, self.valid, self.places, self.neighbours, self.sizes)

    def on_elements_of(self, other: "FeatureMap", missing: float = 0.0) -> Float[Tensor, "batch elements_of_other dim"]:
        """These vectors looked up at the centres of another map's elements; `missing` where those lie outside.

        Both are maps of the same items. The other lattice may have further axes behind this one's. Sets must have the
        same elements.

        Raises:
            ValueError: if only one of them lies on a lattice, or two sets have different sizes.
        """
        if self.grid is None and other.grid is None and self.valid.shape == other.valid.shape:
            return self.values
        if self.grid is None or other.grid is None:
            raise ValueError(
                f"features of {self.values.shape[1]} and {other.values.shape[1]} elements cannot be laid side by side: "
                "both must lie on a grid, or be sets of the same elements"
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
        return FeatureMap(self.values.to(device), self.valid.to(device), places, neighbours, sizes)


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

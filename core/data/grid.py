"""A lattice of elements."""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
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
            if torch.compiler.is_compiling():
                continue  # what is compiled cannot stop by what tensors hold
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
        return math.prod(self.shape)

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

    def rows(self, index: Int[Tensor, " rows"]) -> "Grid":
        """The lattices of some items of the batch."""
        return Grid(tuple(edges if len(edges) == 1 else edges[index.to(edges.device)] for edges in self.edges))

    def to(self, device: torch.device | str) -> "Grid":
        """The same lattice on another device."""
        return Grid(tuple(edges.to(device, non_blocking=True) for edges in self.edges))

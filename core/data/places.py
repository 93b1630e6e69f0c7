"""Where elements lie: on one lattice, or those of each part of a joint item on a lattice of their own."""

from dataclasses import dataclass
from itertools import accumulate
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from .grid import Grid


@final
@dataclass(frozen=True)
class Parts:
    """Where the elements of a joint item lie: those of its parts one behind the other, each part with its own lattice.

    `cells` counts the elements of each part; `grids` are their lattices, None for sets. Parts are in the order of the
    joint modality and have its names. `in_time` names the parts whose first axis is one that they have in common:
    seconds from the same moment.

    Example: three seconds of sound, and two words.

        >>> parts = Parts(("audio", "text"), (3, 2), (Grid.uniform((3,), (1.0,)), None))
        >>> parts.elements, parts.slices["text"], parts.owner().tolist()
        (5, slice(3, 5, None), [0, 0, 0, 1, 1])
    """

    names: tuple[str, ...]
    cells: tuple[int, ...]
    grids: tuple[Grid | None, ...]
    in_time: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.cells) == len(self.grids) > 0:
            raise ValueError(
                f"parts need as many names as cells and grids, got {self.names}, {self.cells}, {len(self.grids)} grids"
            )
        if not set(self.in_time) <= set(self.names):
            raise ValueError(f"in_time names parts, which are {', '.join(self.names)}, got {self.in_time}")
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

    def here(self, name: str) -> slice:
        """Which elements a part has.

        Raises:
            ValueError: if there is no such part.
        """
        if name not in self.names:
            raise ValueError(f"there is no part {name!r}, there are {', '.join(self.names)}")
        return self.slices[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements of each part."""
        return self.cells

    def owner(self) -> Int[Tensor, " elements"]:
        """The number of the part of every element."""
        return torch.arange(len(self.cells)).repeat_interleave(torch.tensor(self.cells))

    def rows(self, index: Int[Tensor, " rows"]) -> "Parts":
        """The places of some items of the batch."""
        grids = tuple(None if grid is None else grid.rows(index) for grid in self.grids)
        return Parts(self.names, self.cells, grids, self.in_time)

    def to(self, device: torch.device | str) -> "Parts":
        """The same places on another device."""
        grids = tuple(None if grid is None else grid.to(device) for grid in self.grids)
        return Parts(self.names, self.cells, grids, self.in_time)


Places = Grid | Parts
"""Where elements lie: on one lattice, or each part of them on its own."""


def one_grid(places: Places | None) -> Grid | None:
    """The lattice of elements that have one, None for sets.

    Raises:
        ValueError: for elements of several parts.
    """
    if isinstance(places, Parts):
        raise ValueError(
            "elements of one lattice or one set are needed here, and these are of the parts "
            f"{', '.join(places.names)}: take something that compares vectors alone, or that goes part by part "
            "(PartByPart)"
        )
    return places


def parts_in(places: Places | None) -> Parts:
    """The places of elements of several parts.

    Raises:
        ValueError: for elements of one lattice or one set.
    """
    if not isinstance(places, Parts):
        raise ValueError("elements of several parts are needed here, and these are of one lattice or one set")
    return places

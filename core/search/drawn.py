"""The objects of an item as it is drawn: kept beside its vector, so that nothing is encoded again to show it."""

import io
import zlib
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from ..data.grid import Grid
from ..data.places import Parts, Places


@final
@dataclass(frozen=True)
class Drawn:
    """The object of every element of an item, −1 for none, and where the elements lie."""

    labels: Int[Tensor, " elements"]
    places: Places | None

    def packed(self) -> bytes:
        """As bytes.

        Example:
            >>> one = Drawn(torch.tensor([0, 0, -1]), Grid.uniform((3,), (0.5,)))
            >>> again = Drawn.unpacked(one.packed())
            >>> again.labels.tolist(), again.places.edges[0].tolist()
            ([0, 0, -1], [[0.0, 0.5, 1.0, 1.5]])
        """
        arrays = {"labels": self.labels.numpy().astype(np.int32)}
        if isinstance(self.places, Parts):
            arrays["names"] = np.array(self.places.names)
            arrays["cells"] = np.array(self.places.cells)
            for number, grid in enumerate(self.places.grids):
                arrays |= _edges(f"{number}.", grid)
        else:
            arrays |= _edges("", self.places)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        return zlib.compress(file.getvalue())

    @classmethod
    def unpacked(cls, packed: bytes) -> "Drawn":
        """Of such bytes."""
        with np.load(io.BytesIO(zlib.decompress(packed)), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        labels = torch.from_numpy(arrays["labels"].astype(np.int64))
        if "names" not in arrays:
            return cls(labels, _grid("", arrays))
        names = tuple(map(str, arrays["names"]))
        grids = tuple(_grid(f"{number}.", arrays) for number in range(len(names)))
        return cls(labels, Parts(names, tuple(map(int, arrays["cells"])), grids))

    def only(self, number: int) -> "Drawn":
        """One object alone."""
        return Drawn(torch.where(self.labels == number, self.labels, -1), self.places)


def _edges(prefix: str, grid: Grid | None) -> dict[str, np.ndarray]:
    return {} if grid is None else {f"{prefix}axis{axis}": edges.numpy() for axis, edges in enumerate(grid.edges)}


def _grid(prefix: str, arrays: dict[str, np.ndarray]) -> Grid | None:
    edges = list[torch.Tensor]()
    while f"{prefix}axis{len(edges)}" in arrays:
        edges.append(torch.from_numpy(arrays[f"{prefix}axis{len(edges)}"]))
    return Grid(tuple(edges)) if edges else None

"""What a network found in items: features, and the object of every element."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.cut import valid_on
from ..data.feature_map import FeatureMap
from ..data.own_elements import own_elements
from ..data.places import Places, one_grid
from ..data.resampling import averaged
from ..discovery.finder import ObjectFinder
from ..modality.base import AbstractModality
from ..networks.encoder import Network
from ..networks.modes import evaluating

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class PredictedBatch:
    """What a network found in a few items: hidden features, and the object of every element (−1: background).

    `fine` and `fine_grid` are the same objects on a finer lattice, where the finder knows finer outlines.
    """

    features: FeatureMap
    found: Int[Tensor, "items elements"]
    fine: Int[Tensor, "items fine"] | None = None
    fine_grid: Places | None = None

    def finest(self) -> tuple[Int[Tensor, "items elements"], Places | None, Bool[Tensor, "items elements"]]:
        """The finest objects, where they lie, and what is no padding."""
        if self.fine is None:
            return self.found, self.features.places, self.features.valid
        return self.fine, self.fine_grid, valid_on(self.features, one_grid(self.fine_grid))


@final
@dataclass(frozen=True)
class Predictions:
    """What a network found in items, a few at a time; items of different sizes are padded within each chunk alone.

    `network` is the one that encoded them, for metrics that ask it about further items; None where rules did.
    """

    chunks: tuple[PredictedBatch, ...]
    network: Network | None = None

    def item(self, place: int) -> tuple[Int[Tensor, " elements"], Places | None]:
        """The finest objects of one item, and where their elements lie, without the padding of its batch."""
        for chunk in self.chunks:
            if place < len(chunk.found):
                found, grid, valid = chunk.finest()
                return own_elements(found[place], valid[place], grid, place)
            place -= len(chunk.found)
        raise IndexError(f"there is no item {place} beyond the last")

    def objects(self) -> int:
        """Number of objects over all items."""
        return sum(len(row[row >= 0].unique()) for chunk in self.chunks for row in chunk.found)

    def joined(self) -> PredictedBatch:
        """All items as one padded batch.

        Raises:
            ValueError: if chunks lie on lattices that cannot be padded to one: more than one axis, different shapes.
        """
        longest = max(self.chunks, key=lambda chunk: chunk.found.shape[1])
        shapes = {None if chunk.features.grid is None else chunk.features.grid.shape for chunk in self.chunks}
        if len(shapes) > 1 and any(shape is not None and len(shape) > 1 for shape in shapes):
            raise ValueError(f"items on lattices of different shapes, {shapes}, make no one batch; go chunk by chunk")
        elements = longest.found.shape[1]

        def padded(rows: Tensor, value: float | int | bool) -> Tensor:
            whole = rows.new_full((len(rows), elements, *rows.shape[2:]), value)
            whole[:, : rows.shape[1]] = rows
            return whole

        values = torch.cat([padded(chunk.features.values, 0.0) for chunk in self.chunks])
        valid = torch.cat([padded(chunk.features.valid, False) for chunk in self.chunks])
        found = torch.cat([padded(chunk.found, -1) for chunk in self.chunks])
        fine = [chunk.fine for chunk in self.chunks if chunk.fine is not None]
        same = len(fine) == len(self.chunks) and len({rows.shape[1] for rows in fine}) == 1
        features = FeatureMap(values, valid, longest.features.grid)
        return PredictedBatch(features, found, torch.cat(fine) if same else None, longest.fine_grid if same else None)


def predictions_of(
    network: Network, modality: AbstractModality[ItemT], items: Sequence[ItemT], finder: ObjectFinder, chunk: int = 25
) -> Predictions:
    """Encode items a few at a time, each once, and find their objects."""
    batches = []
    for start in range(0, len(items), chunk):
        data = modality.collate(items[start : start + chunk])
        features = encode(network, data)
        found = finder(network, features, data, torch.Generator().manual_seed(0))
        own = averaged(found, features)
        finer = (None, None) if own is found else (found.labels(), found.places)
        batches.append(PredictedBatch(features, own.labels(), *finer))
    return Predictions(tuple(batches), network)


def encode(network: Network, data: Any) -> FeatureMap:
    """Hidden features of a batch, without gradient, in evaluation mode."""
    with evaluating(network):
        return network.encode(data)

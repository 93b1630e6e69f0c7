"""What a network found in items: features, and the object of every element."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, final

import torch
from jaxtyping import Int
from torch import Tensor

from ..data.feature_map import FeatureMap, Grid
from ..discovery.finder import ObjectFinder
from ..modality.base import AbstractModality
from ..networks.encoder import Network
from ..networks.modes import evaluating
from ..runs.elements import own_elements

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class PredictedBatch:
    """What a network found in a few items: hidden features, and the object of every element (−1: background)."""

    features: FeatureMap
    found: Int[Tensor, "items elements"]


@final
@dataclass(frozen=True)
class Predictions:
    """What a network found in items, a few at a time; items of different sizes are padded within each chunk alone.

    `network` is the one that encoded them, for metrics that ask it about further items; None where rules did.
    """

    chunks: tuple[PredictedBatch, ...]
    network: Network | None = None

    def item(self, place: int) -> tuple[Int[Tensor, " elements"], Grid | None]:
        """The object of every element of one item, and where the elements lie, without the padding of its batch."""
        for chunk in self.chunks:
            if place < len(chunk.found):
                return own_elements(chunk.found[place], chunk.features.valid[place], chunk.features.grid, place)
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
        return PredictedBatch(FeatureMap(values, valid, longest.features.grid), found)


def predictions_of(
    network: Network, modality: AbstractModality[ItemT], items: Sequence[ItemT], finder: ObjectFinder, chunk: int = 25
) -> Predictions:
    """Encode items a few at a time, each once, and find their objects."""
    batches = []
    for start in range(0, len(items), chunk):
        data = modality.collate(items[start : start + chunk])
        features = encode(network, data)
        found = finder(network, features, data, torch.Generator().manual_seed(0))
        batches.append(PredictedBatch(features, found.labels()))
    return Predictions(tuple(batches), network)


def encode(network: Network, data: Any) -> FeatureMap:
    """Hidden features of a batch, without gradient, in evaluation mode."""
    with evaluating(network):
        return network.encode(data)

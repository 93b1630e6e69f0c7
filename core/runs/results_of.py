"""What a model gives back of a batch, item by item."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from jaxtyping import Float
from torch import Tensor

from ..data.feature_map import item_means
from ..data.own_elements import own_places
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from .part_rows import part_means
from .resolution import fine_labels
from .results import ItemObjects, ItemVectors

ItemT = TypeVar("ItemT")


def objects_in(
    batch: FoundBatch[ItemT], name: Callable[[int], str], modality: AbstractModality[ItemT], fine: bool
) -> Iterator[ItemObjects[ItemT]]:
    """The items of a batch with their objects; `fine` at the resolution of the input."""
    vectors, labels = batch.segmentation.pool(batch.features), batch.segmentation.labels()
    numbers = batch.object_numbers()
    for row, (index, item) in enumerate(zip(batch.index, batch.items, strict=True)):
        places, grid = own_places(batch.features.valid[row], batch.features.places, row)
        own = labels[row][places]
        if fine:
            own, grid = fine_labels(batch, row, modality)
        present = vectors.present[row]
        yield ItemObjects(name(index), item, own, grid, vectors.vectors[row][present], numbers[row][present])


def vectors_in(
    batch: FoundBatch[Any],
    name: Callable[[int], str],
    brought: Callable[[Float[Tensor, "rows dim"]], Float[Tensor, "rows outputs"]],
) -> Iterator[ItemVectors]:
    """The vectors of the items of a batch, of their elements and objects, pooled in the hidden space.

    `brought` takes them into the space that is asked for, as objects are compared in training.
    """
    means, vectors = brought(item_means(batch.features)), batch.segmentation.pool(batch.features)
    labels, numbers = batch.segmentation.labels(), batch.object_numbers()
    for row, index in enumerate(batch.index):
        places, grid = own_places(batch.features.valid[row], batch.features.places, row)
        elements, present = brought(batch.features.values[row][places]), vectors.present[row]
        objects, of_whole = brought(vectors.vectors[row][present]), numbers[row][present]
        parts = {
            part: brought(mean[None])[0] for part, mean in part_means(batch.features.values[row][places], grid).items()
        }
        own = labels[row][places]
        yield ItemVectors(name(index), means[row], elements, objects, own, grid, of_whole, parts)

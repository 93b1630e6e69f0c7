"""The vectors of items, of their elements and of their objects, item by item."""

from collections.abc import Callable, Iterable
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ..data.feature_map import item_means
from ..discovery.found import FoundBatch
from .elements import own_places
from .results import ItemVectors


def item_vectors(
    batches: Iterable[FoundBatch[Any]],
    name: Callable[[int], str],
    brought: Callable[[Float[Tensor, "rows dim"]], Float[Tensor, "rows outputs"]],
) -> list[ItemVectors]:
    """What was encoded, pooled in the hidden space and brought into another: as objects are compared in training.

    Args:
        batches: some items at a time.
        name: of an item by its number.
        brought: takes hidden vectors into the space that is asked for.
    """
    results = []
    for batch in batches:
        means, vectors = brought(item_means(batch.features)), batch.segmentation.pool(batch.features)
        labels, numbers = batch.segmentation.labels(), batch.object_numbers()
        for row, index in enumerate(batch.index):
            places, grid = own_places(batch.features.valid[row], batch.features.places, row)
            elements, present = brought(batch.features.values[row][places]), vectors.present[row]
            objects, of_whole = brought(vectors.vectors[row][present]), numbers[row][present]
            results.append(ItemVectors(name(index), means[row], elements, objects, labels[row][places], grid, of_whole))
    return results

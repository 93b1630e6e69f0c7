"""What a model gives back of a batch, item by item."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from .elements import own_places
from .resolution import fine_labels
from .results import ItemObjects

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

"""The vectors of a batch as rows: one per item, one per element, one per object."""

from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np
import torch
from jaxtyping import Float

from ..data.feature_map import item_means
from ..data.items import file_of, id_of, record_of
from ..discovery.found import FoundBatch
from ..modality.optional import ReducesElements
from .element_places import ElementPlaces
from .vector_table import Columns

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Rows:
    """Vectors, and columns that say what they are of."""

    vectors: Float[np.ndarray, "rows dim"]
    columns: Columns


@final
@dataclass(frozen=True)
class BatchRows:
    """The vectors of some items, of their elements and of their objects."""

    items: Rows
    elements: Rows
    objects: Rows


def rows_of(found: FoundBatch[ItemT], places: ElementPlaces, first: int) -> BatchRows:
    """All rows of a batch, whose first item is number `first` among those that are written; `places` say where
    elements lie.

    - items: their mean over their elements, with `file`, `record` (the place in it), `id` (what the record is
      called, where it says so) and `name` (file and place).
    - elements: with their item's number, their object's (−1: none), and where they lie.
    - objects: with their item's number, their own, and their size in elements (the sum of their weights).

    In a window of something longer, objects have their numbers in the whole.
    """
    items = places.items
    if isinstance(places.modality, ReducesElements):
        found = places.modality.reduced(found)
    features, valid = found.features, found.features.valid
    numbers = torch.arange(first, first + len(found.index))
    row, place = valid.nonzero(as_tuple=True)
    located = [places.of_item(found, row) for row in range(len(found.index))]
    where = {name: np.concatenate([columns[name] for columns in located]) for name in located[0]}
    labels, in_whole = found.labels(), found.object_numbers()
    objects = found.segmentation.pool(features)
    of, number = objects.present.nonzero(as_tuple=True)
    size = (found.segmentation.weights.float() * valid[:, None]).sum(dim=2)
    files = [file_of(items, index) for index in found.index]
    records = [record_of(items, index) for index in found.index]
    names = [items.name(index) for index in found.index]
    ids = [id_of(items, index) for index in found.index]
    return BatchRows(
        Rows(item_means(features).numpy(), {"file": files, "record": records, "id": ids, "name": names}),
        Rows(
            features.values[row, place].float().numpy(),
            {"item": numbers[row].numpy(), "object": labels[row, place].numpy()} | where,
        ),
        Rows(
            objects.vectors[of, number].numpy(),
            {"item": numbers[of].numpy(), "number": in_whole[of, number].numpy(), "size": size[of, number].numpy()},
        ),
    )

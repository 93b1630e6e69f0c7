"""The vectors of a batch as rows: one per item, one per element, one per object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float, Shaped

from ..data.feature_map import item_means
from ..data.items import AbstractItems, file_of, id_of, record_of
from ..data.places import Parts, Places
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.optional import LocatesElements, ReducesElements
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


def rows_of(
    found: FoundBatch[ItemT], modality: AbstractModality[ItemT], items: AbstractItems[ItemT], first: int
) -> BatchRows:
    """All rows of a batch, whose first item is number `first` among those that are written.

    - items: their mean over their elements, with `file`, `record` (the place in it), `id` (what the record is
      called, where it says so) and `name` (file and place).
    - elements: with their item's number, their object's (−1: none), and where they lie.
    - objects: with their item's number, their own, and their size in elements (the sum of their weights).

    In a window of something longer, objects have their numbers in the whole.
    """
    if isinstance(modality, ReducesElements):
        found = modality.reduced(found)
    features, valid = found.features, found.features.valid
    numbers = torch.arange(first, first + len(found.index))
    row, place = valid.nonzero(as_tuple=True)
    located = [element_places(found, row, modality, items) for row in range(len(found.index))]
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


def element_places(
    found: FoundBatch[Any], row: int, modality: AbstractModality[Any], items: AbstractItems[Any]
) -> Mapping[str, Shaped[np.ndarray, " elements"]]:
    """Where the valid elements of one item lie: the modality says it, or the numbers and centres of the elements."""
    valid = found.features.valid[row].numpy()
    if isinstance(modality, LocatesElements):
        columns = modality.element_columns(found, row, items)
    else:
        columns = _places(found.features.places, len(valid), row)
    return {name: np.asarray(column)[valid] for name, column in columns.items()}


def _places(places: Places | None, elements: int, row: int) -> dict[str, Shaped[np.ndarray, " elements"]]:
    """The number of every element, and its centre along every axis; of a joint item the name of its part, too.

    Elements of a part with fewer axes have no centre (NaN) on the further ones.
    """
    if isinstance(places, Parts):
        own = [_places(grid, cells, row) for grid, cells in zip(places.grids, places.cells, strict=True)]
        names = {name: None for columns in own for name in columns}
        columns = {
            name: np.concatenate(
                [one.get(name, np.full(cells, np.nan)) for one, cells in zip(own, places.cells, strict=True)]
            )
            for name in names
        }
        return {"part": np.repeat(places.names, places.cells)} | columns
    columns = {"element": np.arange(elements)}
    if places is not None:
        centres = places.centres()
        for axis in range(centres.shape[2]):
            columns[f"centre_{axis}"] = centres[row % len(centres), :, axis].numpy()
    return columns

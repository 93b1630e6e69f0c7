"""The rows that an index gets of a few items: themselves, their objects, and the parts of joint items."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int

from ..data.feature_map import item_means
from ..data.items import AbstractItems, id_of, record_of
from ..data.own_elements import own_places
from ..data.segmentation import Objects
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.joint.shard_windows import rows_of
from ..modality.optional import ComposesModalities, ReducesElements
from ..runs.element_places import ElementPlaces
from ..runs.parts_of_objects import part_of_batch
from ..runs.spaces import Space
from .drawn import Drawn
from .encodes import Encodes, compared, seen_alone

ITEM, OBJECT, PART = "item", "object", "part:"
NO_OBJECT = -1


@final
@dataclass(frozen=True)
class Entry:
    """What one row of an index is of, its file aside.

    Attributes:
        of: `item`, `object`, or `part:NAME`.
        index: the number of its item among those that were read.
        number: of the object, in the whole that the item is a window of; −1 for items.
        size: in elements.
        place: where an object lies in its file: the least and the greatest number of every column of its elements; of
            a joint item so for each part, whose name stands in front.
        record: where the item lies in its file.
        id: what the record is called.
        name: where the item comes from.
        drawn: the objects of an item, for its picture.
    """

    of: str
    index: int
    number: int
    size: int
    place: str
    record: str
    id: str
    name: str
    drawn: bytes | None


def entries_of(
    model: Encodes, space: Space, batch: FoundBatch[Any], items: AbstractItems[Any]
) -> tuple[list[Entry], Float[np.ndarray, "rows dim"]]:
    """The rows of a batch, and their vectors of length 1; `batch.index` are numbers of `items`."""
    valid = batch.features.valid
    whole = Objects(item_means(batch.features)[:, None], valid.any(dim=1, keepdim=True))
    vectors = [compared(model, space, whole).vectors[:, 0]]
    names = [(record_of(items, index), id_of(items, index), items.name(index)) for index in batch.index]
    entries = list[Entry]()
    labels = batch.labels()
    for row, index in enumerate(batch.index):
        places, grid = own_places(valid[row], batch.features.places, row)
        drawn = Drawn(labels[row][places], grid).packed()
        entries.append(Entry(ITEM, index, NO_OBJECT, int(valid[row].sum()), "", *names[row], drawn))
    reduced = model.modality.reduced(batch) if isinstance(model.modality, ReducesElements) else batch
    pooled = compared(model, space, reduced.segmentation.pool(reduced.features))
    of, number = pooled.present.nonzero(as_tuple=True)
    vectors.append(pooled.vectors[of, number])
    size = (reduced.segmentation.weights.float() * reduced.features.valid[:, None]).sum(dim=2)
    in_whole, places_of = batch.object_numbers(), _places(model.modality, batch, items)
    for row, slot in zip(of.tolist(), number.tolist(), strict=True):
        called = int(in_whole[row, slot])
        place = json.dumps(places_of[row].get(called, {}))
        count, (record, id, name) = round(float(size[row, slot])), names[row]
        entries.append(Entry(OBJECT, batch.index[row], called, count, place, record, id, name, None))
    for name, rows in _parts(model.modality, batch):
        # An encoder that mixes parts would otherwise put what the other parts say into the vector.
        vectors.append(seen_alone(model, space, [batch.items[row].only([name]) for row in rows]))
        entries += [
            Entry(f"{PART}{name}", batch.index[row], NO_OBJECT, entries[row].size, "", *names[row], None)
            for row in rows
        ]
    return entries, torch.cat(vectors).numpy()


def _parts(modality: AbstractModality[Any], batch: FoundBatch[Any]) -> Iterator[tuple[str, list[int]]]:
    """The parts of joint items, and which of the items have each."""
    for name in modality.modalities if isinstance(modality, ComposesModalities) else ():
        rows = [row for row, item in enumerate(batch.items) if name in item.parts]
        if rows:
            yield name, rows


def _places(
    modality: AbstractModality[Any], batch: FoundBatch[Any], items: AbstractItems[Any]
) -> list[dict[int, dict[str, tuple[float, float]]]]:
    """For every item of a batch and each of its objects: column → the least and the greatest number."""
    own_items = rows_of(items)
    if not isinstance(modality, ComposesModalities) or own_items is None:
        if isinstance(modality, ReducesElements):
            batch = modality.reduced(batch)
        labels = batch.labels()
        found = []
        for row in range(len(batch.index)):
            columns = ElementPlaces(modality, items).of_item(batch, row)
            found.append(_extents(labels[row][batch.features.valid[row]], columns))
        return found
    joined = [dict[int, dict[str, tuple[float, float]]]() for _ in batch.index]
    for name, part in modality.modalities.items():
        own = iter(part_of_batch(batch, name, own_items))
        for row, item in enumerate(batch.items):
            if name in item.parts:
                for number, place in _places(part, next(own), own_items.parts[name])[0].items():
                    joined[row].setdefault(number, {}).update({f"{name} {key}": span for key, span in place.items()})
    return joined


def _extents(labels: Int[torch.Tensor, " elements"], columns: Any) -> dict[int, dict[str, tuple[float, float]]]:
    own = labels.numpy()
    numbers = np.unique(own[own >= 0]).tolist()
    found: dict[int, dict[str, tuple[float, float]]] = {number: {} for number in numbers}
    for name, column in columns.items():
        if np.issubdtype(np.asarray(column).dtype, np.number):
            for number in numbers:
                values = np.asarray(column)[own == number]
                values = values[np.isfinite(values)]
                if len(values):
                    found[number][name] = (round(float(values.min()), 4), round(float(values.max()), 4))
    return found

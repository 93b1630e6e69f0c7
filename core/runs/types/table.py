"""`types.csv`: every object with where it lies and its type."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from ...data.items import AbstractItems, FromFiles, file_of, id_of, record_of
from ...discovery.found import FoundBatch
from ...storage.csv_file import TableWriter
from ..element_places import ElementPlaces
from .members import FoundObjects, Members
from .names import Names, place_of

ENDS = {"onset": "offset", "begin": "end", "top": "bottom", "left": "right"}
"""Columns of elements that say where they begin, and those that say where they end: an object reaches from the first
to the last of its elements. Of other columns the least and the greatest are written."""
UNNAMED = "none"


def elements_of(found: FoundBatch[Any], row: int, place: int) -> Bool[Tensor, " elements"]:
    """Which elements of one item belong to an object most; where none does, those that belong to it at all."""
    weights, valid = found.segmentation.weights[row], found.features.valid[row]
    inside = (found.segmentation.labels()[row] == place) & valid
    return inside if bool(inside.any()) else (weights[place] > 0) & valid


def extent(
    columns: Mapping[str, Shaped[np.ndarray, " elements"]], inside: Shaped[np.ndarray, " elements"]
) -> dict[str, Any]:
    """Where an object lies, by the columns of its elements.

    Example:
        >>> columns = {"onset": np.array([0.0, 0.5]), "offset": np.array([0.5, 1.0]), "x": np.array([3.0, 7.0])}
        >>> {name: float(value) for name, value in extent(columns, np.array([True, True])).items()}
        {'onset': 0.0, 'offset': 1.0, 'x_from': 3.0, 'x_to': 7.0}
    """
    found: dict[str, Any] = {}
    for name, column in columns.items():
        own = column[inside]
        if not np.issubdtype(own.dtype, np.number):
            found[name] = "+".join(dict.fromkeys(map(str, own.tolist())))
            continue
        finite = own[np.isfinite(own)] if own.dtype.kind == "f" else own
        least, most = (finite.min(), finite.max()) if len(finite) else ("", "")
        kind = name.rpartition("_")[2]  # of joint items the part stands in front
        if kind in ENDS:
            found[name] = least
        elif kind in ENDS.values():
            found[name] = most
        else:
            found |= {f"{name}_from": least, f"{name}_to": most}
    return found


@final
class TypesTable:
    """Rows in the order of the objects, as they come.

    Args:
        file: open for text.
        names: of the types, where they have some; a wrong member has none.
        places: say where elements lie.
    """

    def __init__(self, file: IO[str], names: Names, places: ElementPlaces) -> None:
        self._file, self._names, self._places = file, names, places
        self._table: TableWriter | None = None
        self._columns: tuple[str, ...] = ()

    def add(
        self,
        found: FoundBatch[Any],
        objects: FoundObjects,
        members: Members,
        part: slice,
    ) -> None:
        """The objects of a batch, `part` of all."""
        where = [self._places.of_item(found, row) for row in range(len(found.index))]
        valid = found.features.valid
        for place, row, number in zip(
            range(part.start, part.stop), objects.rows.tolist(), objects.places.tolist(), strict=True
        ):
            inside = elements_of(found, row, number)[valid[row]].numpy()
            self._row(place, found.index[row], members, extent(where[row], inside), self._places.items)

    def close(self) -> None:
        """A table without rows has its header."""
        if self._table is None:
            self._head(())

    def _wrong(self, items: AbstractItems[Any], index: int, number: int) -> bool:
        return bool(self._names.wrong) and place_of(items, index, number) in self._names.wrong

    def _head(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        named = ("name",) if self._names.names else ()
        fixed = ("object", "file", "record", "id", "number", "size", *self._columns, "type", *named, "distance")
        self._table = TableWriter(self._file, fixed)

    def _row(self, place: int, index: int, members: Members, where: dict[str, Any], items: AbstractItems[Any]) -> None:
        if self._table is None:
            self._head(tuple(where))
        assert self._table is not None
        kind = int(members.types[place])
        file: Any = Path(file_of(items, index)) if isinstance(items, FromFiles) else file_of(items, index)
        distance = "" if kind < 0 else f"{float(members.distances[place]):.4f}"
        named = ("" if self._wrong(items, index, int(members.numbers[place])) else self._names.names.get(kind, ""),)
        own = [where.get(name, "") for name in self._columns]
        self._table.row(
            (
                place + 1,
                file,
                record_of(items, index),
                id_of(items, index),
                int(members.numbers[place]),
                f"{float(members.sizes[place]):g}",
                *(_short(value) for value in own),
                UNNAMED if kind < 0 else kind + 1,
                *(named if self._names.names else ()),
                distance,
            )
        )


def _short(value: Any) -> Any:
    return f"{float(value):.6g}" if isinstance(value, np.floating | float) else value


def labels_by_item(members: Members, labels: torch.Tensor) -> dict[int, int]:
    """The label of the largest labelled object of every item, by the number of the item.

    Args:
        members: all objects.
        labels: of every type, −1 for none.
    """
    found = dict[int, int]()
    own = torch.where(members.types >= 0, labels[members.types.clamp(min=0)], -1) if len(labels) else members.types
    there = (own >= 0).nonzero()[:, 0]
    for row in there[members.sizes[there].argsort(stable=True)].tolist():
        found[int(members.items[row])] = int(own[row])
    return found

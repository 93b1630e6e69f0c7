"""An index that is open for reading: what its rows are of, and their vectors."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Int

from .drawn import Drawn
from .encodes import Encodes, digest_of, space_of
from .entries import ITEM, OBJECT, PART
from .nearest import BLOCK, Block
from .storage import AGAIN, DRAWN, Manifest
from .units import FileState

DETAILS = ("of", "file", "whole", "item", "object", "size", "place", "record", "id", "name")


@final
@dataclass(frozen=True)
class Indexed:
    """One row of an index: an item, an object, or a part of a joint item. See `Entry`; `place` is JSON."""

    row: int
    of: str
    path: Path
    record: str
    id: str
    name: str
    object: int
    size: int
    place: str


@final
class Index:
    """The vectors of items, objects and parts of joint items that `gestalt index` wrote, mapped into memory.

    A few numbers per row are in memory, names and places are read when they are asked for. Rows of files that were
    indexed again later are passed by. The index is that of the moment when it was opened: segments are never changed.

    Args:
        folder: of the index.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.manifest = Manifest.read(self.folder)
        self.paths: list[bytes] = []
        self.states: dict[bytes, FileState] = {}
        self._numbers: dict[bytes, int] = {}
        self._begins: dict[bytes, int] = {}
        """The segment in which a file's present rows begin."""
        self._kinds: dict[str, int] = {}
        files, kinds, wholes, items, objects, segments = (list[Any]() for _ in range(6))
        for number, segment in enumerate(self.manifest.segments):
            own = self._take_files(number, segment.files_table(self.folder).to_pydict())
            table = segment.rows_table(self.folder, ("of", "file", "whole", "item", "object"))
            segment.vectors(self.folder, self.manifest.dim)
            files.append(own[table["file"].to_numpy()] if len(own) else np.empty(0, np.int64))
            kinds.append(self._codes(table["of"].combine_chunks().dictionary_encode()))
            wholes.append(table["whole"].to_numpy())
            items.append(table["item"].to_numpy())
            objects.append(table["object"].to_numpy())
            segments.append(np.full(segment.rows, number, np.int32))
        self.file = _joined(files, np.int64)
        self.kind = _joined(kinds, np.int16)
        self.whole = _joined(wholes, np.int64)
        self.item = _joined(items, np.int32)
        self.object = _joined(objects, np.int64)
        self._segment = _joined(segments, np.int32)
        begins = np.array([self._begins[path] for path in self.paths], np.int32)
        self.present: Bool[np.ndarray, " rows"] = (
            self._segment >= begins[self.file] if len(self.file) else np.empty(0, bool)
        )
        self._firsts = np.cumsum([0, *(segment.rows for segment in self.manifest.segments)])

    def _take_files(self, segment: int, table: dict[str, list[Any]]) -> Int[np.ndarray, " files"]:
        numbers = []
        for path, stamp, begin, end, items, sources in zip(*(table[name] for name in table), strict=True):
            if path not in self._numbers:
                self._numbers[path] = len(self.paths)
                self.paths.append(path)
            if begin == 0:
                self._begins[path] = segment
            self._begins.setdefault(path, segment)
            self.states[path] = FileState(stamp, end, items, tuple(sources))
            numbers.append(self._numbers[path])
        return np.array(numbers, np.int64)

    def _codes(self, encoded: Any) -> Int[np.ndarray, " rows"]:
        names = encoded.dictionary.to_pylist()
        own = np.array([self._kinds.setdefault(name, len(self._kinds)) for name in names], np.int16)
        found: np.ndarray = own[encoded.indices.to_numpy()] if len(names) else np.empty(0, np.int16)
        return found

    def __len__(self) -> int:
        """Rows that are present."""
        return int(self.present.sum())

    def file_of(self, row: int) -> tuple[bytes, FileState, int]:
        """The file of a row, how it is indexed, and the number of the row's item in it."""
        path = self.paths[self.file[row]]
        return path, self.states[path], int(self.item[row])

    def of_file(self, path: bytes) -> Bool[np.ndarray, " rows"]:
        """Which rows are present of a file, by its absolute path."""
        found: Bool[np.ndarray, " rows"] = self.present & (self.file == self._numbers.get(path, -1))
        return found

    def count(self, of: str) -> int:
        """How many rows are present of items (`item`), objects (`object`), or a part (`part:NAME`)."""
        return int(self.rows_of([of]).sum())

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the joint items that are here."""
        return tuple(name.removeprefix(PART) for name in self._kinds if name.startswith(PART))

    def rows_of(self, kinds: Sequence[str]) -> Bool[np.ndarray, " rows"]:
        """Which rows are present and of one of these."""
        codes = [self._kinds[kind] for kind in kinds if kind in self._kinds]
        return self.present & np.isin(self.kind, codes)

    def kind_of(self, among: str) -> str:
        """What rows are of that are called so: `items`, `objects`, or the name of a part."""
        return {"items": ITEM, "objects": OBJECT}.get(among, f"{PART}{among}")

    def chosen(self, among: str) -> Bool[np.ndarray, " rows"]:
        """Which rows are items (`items`), objects (`objects`), or of the part of that name.

        Raises:
            ValueError: if there are none.
        """
        found = self.rows_of([self.kind_of(among)])
        if not found.any():
            known = ", ".join(["items", "objects", *self.parts])
            raise ValueError(f"{self.folder} holds no {among!r}; there may be {known}")
        return found

    def blocks(self, chosen: Bool[np.ndarray, " rows"], size: int = BLOCK, first: int = 0) -> Iterator[Block]:
        """The chosen rows from number `first` on, a few at a time, with their vectors.

        Raises:
            ValueError: if the vectors are damaged.
        """
        numbers = chosen[first:].nonzero()[0] + first
        for begin in range(0, len(numbers), size):
            own = numbers[begin : begin + size]
            yield torch.from_numpy(own), self.vectors(own)

    def vectors(self, numbers: Int[np.ndarray, " rows"]) -> torch.Tensor:
        """The vectors of some rows, whose numbers ascend.

        Raises:
            ValueError: if they are damaged.
        """
        found = np.empty((len(numbers), self.manifest.dim), np.float32)
        segments = self._segment[numbers]
        for segment in np.unique(segments).tolist():
            here, one = segments == segment, self.manifest.segments[segment]
            vectors = one.vectors(self.folder, self.manifest.dim)[numbers[here] - self._firsts[segment]]
            if not np.isfinite(vectors).all():
                raise ValueError(
                    f"{self.folder / one.name}.npy is damaged: some numbers in it are not finite; make the index again"
                )
            found[here] = vectors
        return torch.from_numpy(found)

    def details(self, numbers: Sequence[int]) -> dict[int, Indexed]:
        """What some rows are of."""
        wanted = np.unique(np.array(numbers, dtype=np.int64))
        found = dict[int, Indexed]()
        for segment in np.unique(self._segment[wanted]).tolist():
            own = wanted[self._segment[wanted] == segment]
            table = self.manifest.segments[segment].rows_table(self.folder, DETAILS)
            for row, one in zip(own.tolist(), table.take(own - self._firsts[segment]).to_pylist(), strict=True):
                path = Path(os.fsdecode(self.paths[self.file[row]]))
                found[row] = Indexed(
                    row,
                    one["of"],
                    path,
                    one["record"],
                    one["id"],
                    one["name"],
                    one["object"],
                    one["size"],
                    one["place"],
                )
        return found

    def drawn(self, row: int) -> Drawn:
        """The objects of the item that a row is of, as they were found."""
        segment = self._segment[row]
        same = (self._segment == segment) & (self.file == self.file[row]) & (self.item == self.item[row])
        own = int((same & self.rows_of([ITEM])).nonzero()[0][0])
        table = self.manifest.segments[segment].rows_table(self.folder, (DRAWN,))
        packed = table[DRAWN][own - int(self._firsts[segment])].as_py()
        if packed is None:
            raise ValueError(f"{self.folder} is damaged: item {self.item[row]} of a file has no drawing; {AGAIN}")
        return Drawn.unpacked(packed)

    def check(self, model: Encodes) -> None:
        """Refuse a run that is not the one of this index.

        Raises:
            ValueError: if it is another.
        """
        if self.manifest.digest != digest_of(model) or self.manifest.space != space_of(model):
            own = self.manifest.run
            advice = f"take {own or 'that run'}, or make a new index with gestalt index"
            if own and model.run is not None and os.path.realpath(own) == os.path.realpath(model.run):
                advice = f"{own} was trained anew since: make a new index with gestalt index, in another folder"
            why = "its weights, or how its objects are found, differ"
            raise ValueError(f"{self.folder} is the index of another run ({why}); {advice}")


def _joined(arrays: list[Any], dtype: Any) -> Any:
    return np.concatenate(arrays).astype(dtype, copy=False) if arrays else np.empty(0, dtype)

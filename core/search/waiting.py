"""Rows that are not yet in a segment."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
import pyarrow
from jaxtyping import Float

from .entries import Entry
from .storage import FILE_SCHEMA, ROW_SCHEMA, Manifest, write_segment
from .units import Task


@final
class Waiting:
    """Rows in the order in which they come, and the manifest that gets a segment of them from time to time.

    Args:
        folder: of the index.
        manifest: as it is now.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.tasks: Sequence[Task] = ()
        """What is indexed, in order."""
        self._written = 0
        """Tasks that are in segments."""
        self._owners: list[int] = []
        self._entries: list[Entry] = []
        self._vectors: list[Float[np.ndarray, "rows dim"]] = []

    @property
    def rows(self) -> int:
        """How many wait."""
        return len(self._entries)

    def add(self, owners: Sequence[int], entries: Sequence[Entry], vectors: Float[np.ndarray, "rows dim"]) -> None:
        """Further rows, and the number of the task of each."""
        self._owners += owners
        self._entries += entries
        self._vectors.append(vectors)

    def write(self, before: int) -> None:
        """Write the rows of all tasks before that one, which are complete, as a segment, and name it in the manifest.

        Tasks none of whose items could be read are written too: they are done.
        """
        tasks = self.tasks[self._written : before]
        if not tasks:
            return
        vectors = np.concatenate(self._vectors) if self._vectors else np.empty((0, self.manifest.dim), np.float32)
        complete = np.array(self._owners, np.int64) < before
        files, number_of = _files(tasks)
        rows = [
            _row(entry, number_of, self.tasks[owner])
            for entry, owner, own in zip(self._entries, self._owners, complete, strict=True)
            if own
        ]
        name = f"{len(self.manifest.segments) + 1:06d}"
        segment = write_segment(
            self.folder,
            name,
            vectors[complete],
            pyarrow.Table.from_pylist(rows, schema=ROW_SCHEMA),
            pyarrow.Table.from_pylist(files, schema=FILE_SCHEMA),
        )
        dim = vectors.shape[1] if len(vectors) else self.manifest.dim
        self.manifest = replace(self.manifest, segments=(*self.manifest.segments, segment), dim=dim)
        self.manifest.write(self.folder)
        self._written = before
        self._entries = [entry for entry, own in zip(self._entries, complete, strict=True) if not own]
        self._owners = [owner for owner in self._owners if owner >= before]
        self._vectors = [vectors[~complete]]


def _files(tasks: Sequence[Task]) -> tuple[list[dict[str, object]], dict[bytes, int]]:
    """The files of some tasks in a row, and the number of each."""
    found: dict[bytes, dict[str, object]] = {}
    for task in tasks:
        file = task.file
        first: dict[str, object] = {
            "path": file.path,
            "stamp": file.stamp,
            "begin": task.begin,
            "items": len(file.numbers),
        }
        first["sources"] = file.sources
        found.setdefault(file.path, first)["end"] = task.begin + len(task.numbers)
    return list(found.values()), {path: number for number, path in enumerate(found)}


def _row(entry: Entry, number_of: dict[bytes, int], task: Task) -> dict[str, object]:
    return {
        "of": entry.of,
        "file": number_of[task.file.path],
        "whole": task.begin,
        "item": task.begin + bisect_left(task.numbers, entry.index),
        "object": entry.number,
        "size": entry.size,
        "place": entry.place,
        "record": _text(entry.record),
        "id": _text(entry.id),
        "name": _text(entry.name),
        "drawn": entry.drawn,
    }


def _text(text: str) -> str:
    """Arrow refuses the lone surrogates by which names come that are no UTF-8: they are escaped."""
    return text.encode(errors="backslashreplace").decode()

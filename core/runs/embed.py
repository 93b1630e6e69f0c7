"""Vectors of new data with a finished run, in files: `gestalt embed`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import torch

from ..components.precision import FULL, Precision
from ..data.places import Parts
from ..modality.base import AbstractModality
from ..storage.naming import counted
from .blocks.shared import Sharing
from .element_places import ElementPlaces
from .output_folder import OutputFolder
from .part_rows import PartRows, part_rows
from .saving import load
from .stream import Stream
from .vector_archive import VectorArchive
from .vector_rows import BatchRows, rows_of
from .vector_table import VectorTable

TEXTS = {"file": "files", "record": "records", "id": "ids", "name": "names"}
"""Columns of items under their names in the archive."""


def embed(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
    sharing: Sharing | None = None,
    precision: Precision = FULL,
) -> int:
    """Write the vectors of items, of their elements and of their discovered objects.

    One row is one item in the sense of the run's modality: a window of a recording, a passage, a molecule.

    - `items.parquet`: `file`, `record` (the place in it: a line, seconds), `id` (what the record is called, where it
      says so), `name` (file and place), `vector`.
    - `elements.parquet`: `item` (its row in `items.parquet`), `object` (−1: none), where it lies (`ElementPlaces`),
      `vector`.
    - `objects.parquet`: `item`, `number`, `size` in elements, `vector`; empty if the run finds no objects.
    - `parts.parquet`, of items with parts: `item`, `part`, `object` (−1: the part itself), `size` in elements,
      `vector`: the means over the elements of the part, and over those of every object in it.
    - `vectors.npz`: the same as arrays: `items`, `files`, `records`, `ids`, `names`; `elements`, `element_item`,
      `element_object`, and the columns of where they lie; `objects`, `object_item`, `object_number`, `object_size`;
      `parts`, `part_item`, `part_name`, `part_object`, `part_size`.

    The arguments and errors are those of `discover`.

    Returns:
        The exit code, 0.
    """
    with OutputFolder(out, paths).writing() as folder:
        model = load(run, device, modality, precision)
        stream = Stream.of(model, paths, skip_bad).shared(sharing, run, paths, modality, out)
        places = ElementPlaces.of(model.modality, stream.items, model.encoded)
        with _vector_files(folder) as files:
            for batch in stream:
                first = files.items.rows
                files.add(rows_of(batch, places, first))
                if isinstance(batch.features.places, Parts):
                    files.add_parts(part_rows(batch), first)
        left_out = stream.write_skipped(folder)
    rows = (files.items.rows, "item"), (files.elements.rows, "element"), (files.objects.rows, "object")
    of = ", ".join(counted(count, word) for count, word in rows)
    print(f"vectors of {of}, {model.encoder.dim} numbers each, written to {out}{left_out}")
    return 0


@final
class VectorFiles:
    """The files: three tables, a fourth for items with parts, and an archive."""

    def __init__(self, folder: Path) -> None:
        self.items = VectorTable(folder / "items.parquet")
        self.elements = VectorTable(folder / "elements.parquet")
        self.objects = VectorTable(folder / "objects.parquet")
        self.parts = VectorTable(folder / "parts.parquet")
        self.archive = VectorArchive(folder / "vectors.npz")

    def add_parts(self, rows: PartRows, first: int) -> None:
        """The vectors of the parts of a batch, whose first item is number `first`."""
        item = rows.row + first
        columns = {"item": item, "part": rows.part, "object": rows.number, "size": rows.size}
        self.parts.add(columns, rows.vectors)
        self.archive.add("parts", rows.vectors)
        for name, column in (columns | {"name": rows.part}).items():
            if name != "part":
                self.archive.add(f"part_{name}", column)

    def add(self, rows: BatchRows) -> None:
        """The rows of a batch."""
        self.items.add(rows.items.columns, rows.items.vectors)
        self.elements.add(rows.elements.columns, rows.elements.vectors)
        self.objects.add(rows.objects.columns, rows.objects.vectors)
        self.archive.add("items", rows.items.vectors)
        self.archive.add("elements", rows.elements.vectors)
        self.archive.add("objects", rows.objects.vectors)
        for name, column in rows.items.columns.items():
            self.archive.add(TEXTS[name], column)
        for name, column in rows.elements.columns.items():
            self.archive.add(f"element_{name}" if name in ("item", "object") else name, column)
        for name, column in rows.objects.columns.items():
            self.archive.add(f"object_{name}", column)


@contextmanager
def _vector_files(folder: Path) -> Iterator[VectorFiles]:
    """Files that are complete when the block ends without an error."""
    files = VectorFiles(folder)
    try:
        yield files
        for part in (files.items, files.elements, files.objects, files.parts, files.archive):
            part.close()
    finally:
        files.archive.discard()

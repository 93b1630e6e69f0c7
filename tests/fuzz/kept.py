"""The files that a command writes and another one reads: types and their names, an index, names of masks, lists."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow

from gestalt.core.modality.mask_names import NAMES, mask_names
from gestalt.core.modality.named_paths import named_paths
from gestalt.core.runs.types.names import COLUMNS, read_names
from gestalt.core.runs.types.object_types import TYPES, WEIGHTS, ObjectTypes
from gestalt.core.search.index import Index
from gestalt.core.search.storage import FILE_SCHEMA, ROW_SCHEMA, Manifest, write_segment
from gestalt.core.storage.own_folders import INDEX
from tests.small_types import small_types

from .formats import Format
from .own import in_folder

FOUND = small_types(3)
PARQUET = ("rows.parquet", "files.parquet")


def _types() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        FOUND.save(folder)
        return in_folder(Path(folder))


def _load_types(path: Path, _: bool) -> None:
    ObjectTypes.load(path.parent)


def _index() -> dict[str, bytes]:
    """An index of two items of a file, and an object."""
    rows = [
        {"of": of, "file": 0, "whole": item, "item": item, "object": number, "size": 3, "place": place, "record": "1",
         "id": "", "name": f"a.txt:{item}", "drawn": b""}
        for of, item, number, place in (("item", 0, -1, ""), ("item", 1, -1, ""), ("object", 1, 0, '{"word": [0, 2]}'))
    ]  # fmt: skip
    files = [{"path": b"/a.txt", "stamp": "1", "begin": 0, "end": 2, "items": 2, "sources": [b"/a.txt"]}]
    with TemporaryDirectory() as folder:
        tables = (pyarrow.Table.from_pylist(rows, ROW_SCHEMA), pyarrow.Table.from_pylist(files, FILE_SCHEMA))
        segment = write_segment(Path(folder), "00000", np.ones((3, 4), np.float32), *tables)
        Manifest("digest", "text", "hidden", 4, "run", (segment,)).write(Path(folder))
        return in_folder(Path(folder))


def _searched(path: Path, _: bool) -> None:
    index = Index(path.parent)
    rows = index.chosen("items")
    for numbers, vectors in index.blocks(rows):
        assert len(numbers) == len(vectors)
    index.details(rows.nonzero()[0].tolist())


FORMATS = [
    Format("types", _types, _load_types, TYPES, (TYPES, WEIGHTS), ours=True),
    Format(
        "names of types", lambda: {
            "names.csv": f"{','.join(COLUMNS)}\n{FOUND.digest},1,owl,,,\n,2,frog,,,\n,2,,a.wav,3,1\n".encode()
        }, lambda path, _: read_names(path, FOUND), "names.csv", is_text=True,
    ),
    Format(
        "names of masks", lambda: {NAMES: json.dumps({"clip": {"1": "owl", "2": "frog"}}).encode()},
        lambda path, _: mask_names(path.parent), NAMES, is_text=True, ours=True,
    ),
    Format(
        "index", _index, _searched, INDEX, (INDEX, *(f"00000.{ending}" for ending in ("npy", *PARQUET))), ours=True
    ),
    Format(
        "list of paths", lambda: {"l.txt": b"# mine\na.txt\n*.txt\n", "a.txt": b"a word\n"},
        lambda path, _: named_paths([Path(f"@{path}")]), "l.txt", is_text=True,
    ),
]  # fmt: skip

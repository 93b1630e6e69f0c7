"""An index on disk: a manifest, and segments that are written once and never changed."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, final, get_args

import numpy as np
import pyarrow
import pyarrow.parquet
from jaxtyping import Float

from ..runs.spaces import Space
from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..storage.own_folders import INDEX

FORMAT, LONGEST = 1, 100
"""The version of what is written, and the letters of a segment's name."""
DRAWN = "drawn"
"""The column of drawings, which only rows of items have."""
AGAIN = "make the index again with gestalt index, into a new folder"

ROW_SCHEMA = pyarrow.schema(
    {
        "of": pyarrow.string(),  # item, object, part:NAME
        "file": pyarrow.int32(),  # row among the files of the segment
        "whole": pyarrow.int64(),  # windows of one whole have the same number within their file
        "item": pyarrow.int32(),  # number of the item within its file
        "object": pyarrow.int64(),  # number of the object in its whole, -1 for items
        "size": pyarrow.int64(),  # elements
        "place": pyarrow.string(),  # where an object lies: JSON, column → [least, greatest]
        "record": pyarrow.string(),
        "id": pyarrow.string(),
        "name": pyarrow.string(),
        DRAWN: pyarrow.binary(),  # of items: the object of every element and where they lie, see `drawn.py`
    }
)
FILE_SCHEMA = pyarrow.schema(
    {
        "path": pyarrow.binary(),  # absolute, as the system has it: names need not be UTF-8
        "stamp": pyarrow.string(),
        "begin": pyarrow.int32(),  # the first item of the file that is here; at 0 a file begins anew
        "end": pyarrow.int32(),  # the item after the last one
        "items": pyarrow.int32(),  # all that the file has
        "sources": pyarrow.list_(pyarrow.binary()),  # what is read to have its items again
    }
)


@final
@dataclass(frozen=True)
class Segment:
    """A part of an index: `NAME.npy` with vectors, `NAME.rows.parquet` and `NAME.files.parquet`."""

    name: str
    rows: int
    files: int

    def vectors(self, folder: Path, dim: int) -> Float[np.ndarray, "rows dim"]:
        """The vectors, mapped into memory.

        Raises:
            ValueError: if the file is damaged or missing.
        """
        path = folder / f"{self.name}.npy"
        found: np.ndarray = _read(path, lambda one: np.load(one, mmap_mode="r", allow_pickle=False))
        if found.shape != (self.rows, dim) or found.dtype != np.float32:
            raise ValueError(
                f"{path} is damaged: it should hold {self.rows} vectors of {dim} float32, and holds {found.shape} of "
                f"{found.dtype}; {AGAIN}"
            )
        return found

    def rows_table(self, folder: Path, columns: Sequence[str]) -> pyarrow.Table:
        """Some columns of all rows.

        Raises:
            ValueError: as above.
        """
        path = folder / f"{self.name}.rows.parquet"
        found = _table(path, columns, self.rows)
        if "file" in columns and self.rows:
            numbers = found["file"].to_numpy()
            if numbers.min() < 0 or numbers.max() >= self.files:
                raise ValueError(f"{path} is damaged: its rows are of other files than its {self.files}; {AGAIN}")
        return found

    def files_table(self, folder: Path) -> pyarrow.Table:
        """The files whose items are here.

        Raises:
            ValueError: as above.
        """
        return _table(folder / f"{self.name}.files.parquet", FILE_SCHEMA.names, self.files)


@final
@dataclass(frozen=True)
class Manifest:
    """What an index is of, and the segments that belong to it; what is not listed here was never finished.

    Attributes:
        digest: of the weights that its vectors come from.
        modality: the name of the run's modality.
        space: of its vectors, see `in_space`.
        dim: length of the vectors; 0 while there are none.
        run: the folder of the run; empty where it is not known.
        segments: in the order in which they were written.
    """

    digest: str
    modality: str
    space: Space
    dim: int = 0
    run: str = ""
    segments: tuple[Segment, ...] = ()

    def write(self, folder: Path) -> None:
        """At one stroke: whoever reads sees the old manifest or the new one."""
        write_text(folder / INDEX, json.dumps({"format": FORMAT} | asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """That of an index.

        Raises:
            FileNotFoundError: if the folder holds none.
            ValueError: if it is damaged, or of another version.
        """
        path = folder / INDEX
        if not path.is_file():
            raise FileNotFoundError(f"{folder} is no index: {INDEX} is not there; make one with gestalt index")
        found: Manifest = _read(path, lambda one: _manifest(json_of(one)))
        return found


def _manifest(found: Mapping[str, Any]) -> Manifest:
    rest = dict(found)
    if rest.pop("format") != FORMAT:
        raise ValueError(f"its format is {found['format']}, and this version reads {FORMAT}")
    segments = tuple(Segment(str(one["name"]), int(one["rows"]), int(one["files"])) for one in rest.pop("segments"))
    if any(Path(one.name).name != one.name or len(one.name) > LONGEST for one in segments):
        raise ValueError("its segments lie in other folders, or have names that no index gives them")
    if rest["space"] not in get_args(Space):
        raise ValueError(f"its space is {rest['space']!r}")
    texts = {name: str(rest[name]) for name in ("digest", "modality", "run")}
    return Manifest(space=rest["space"], dim=int(rest["dim"]), segments=segments, **texts)


def write_segment(
    folder: Path, name: str, vectors: Float[np.ndarray, "rows dim"], rows: pyarrow.Table, files: pyarrow.Table
) -> Segment:
    """Write the three files of a segment; the index does not have it before its manifest names it."""
    with (folder / f"{name}.npy").open("wb") as file:
        np.save(file, np.ascontiguousarray(vectors, dtype=np.float32), allow_pickle=False)
        _onto_disk(file)
    for ending, table in (("rows", rows), ("files", files)):
        with (folder / f"{name}.{ending}.parquet").open("wb") as file:
            pyarrow.parquet.write_table(table, file, compression="zstd")
            _onto_disk(file)
    return Segment(name, len(vectors), len(files))


def _onto_disk(file: IO[bytes]) -> None:
    """Before the manifest names it: otherwise a loss of power could leave a name without its content."""
    file.flush()
    os.fsync(file.fileno())


def _table(path: Path, columns: Sequence[str], rows: int) -> pyarrow.Table:
    found = _read(path, lambda one: _whole_table(one, columns))
    if len(found) != rows or found.column_names != list(columns):
        raise ValueError(f"{path} is damaged: it should hold {rows} rows, and holds {len(found)}; {AGAIN}")
    return found


def _whole_table(path: Path, columns: Sequence[str]) -> pyarrow.Table:
    """Some columns, whose texts are texts, and without empty cells but for drawings, which only items have: both would
    be found where they are looked at.
    """
    table = pyarrow.parquet.read_table(path, columns=list(columns))
    table.validate(full=True)
    if any(table[name].null_count for name in columns if name != DRAWN):
        raise ValueError("it has empty cells")
    return table


def _read(path: Path, read: Any) -> Any:
    try:
        return read_or_name(path, read, AGAIN)
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing, and the index needs it; {AGAIN}") from error

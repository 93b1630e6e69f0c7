"""A table of vectors that goes to disk as its rows come."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final

import numpy as np
import pyarrow
import pyarrow.parquet
from jaxtyping import Float, Shaped

ROWS = 16_384
"""Rows that are gathered before they are written: many small groups would make a table slow to read."""

Column = Shaped[np.ndarray, " rows"] | Sequence[str]
Columns = Mapping[str, Column]


@final
class VectorTable:
    """A Parquet file with a column `vector` behind others, of which a few thousand rows are in memory at a time.

    Args:
        path: the file, complete when the table is closed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._waiting: list[pyarrow.Table] = []
        self._writer: pyarrow.parquet.ParquetWriter | None = None

    def add(self, columns: Columns, vectors: Float[np.ndarray, "rows dim"]) -> None:
        """Further rows, none among them, with the same columns every time."""
        flat = pyarrow.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
        arrays = {name: _array(column) for name, column in columns.items()}
        arrays["vector"] = pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
        self._waiting.append(pyarrow.table(arrays))
        self.rows += len(vectors)
        if sum(map(len, self._waiting)) >= ROWS:
            self._write()

    def close(self) -> None:
        """Write the rows that are left."""
        self._write()
        if self._writer is not None:
            self._writer.close()

    def _write(self) -> None:
        if self._waiting:
            table = pyarrow.concat_tables(self._waiting)
            self._writer = self._writer or pyarrow.parquet.ParquetWriter(self.path, table.schema)
            self._writer.write_table(table)
            self._waiting.clear()


def _array(column: Column) -> pyarrow.Array:
    """Arrow refuses the lone surrogates by which names come that are no UTF-8: they are escaped."""
    if isinstance(column, np.ndarray):
        return pyarrow.array(column)
    return pyarrow.array([text.encode(errors="backslashreplace").decode() for text in column], pyarrow.string())

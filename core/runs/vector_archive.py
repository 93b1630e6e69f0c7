"""Arrays of a NumPy archive that grow on disk."""

import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Shaped


@final
class VectorArchive:
    """An `.npz` file whose arrays get their rows one after the other, and are never in memory as a whole.

    Texts are: they are few, and of unequal length.

    Args:
        path: the file, written when the archive is closed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._arrays: dict[str, _Growing] = {}
        self._texts: dict[str, list[str]] = {}

    def add(self, name: str, rows: Shaped[np.ndarray, "rows ..."] | Sequence[str]) -> None:
        """Further rows of one array, of the same type and width every time."""
        if not isinstance(rows, np.ndarray):
            self._texts.setdefault(name, []).extend(rows)
            return
        if name not in self._arrays:
            self._arrays[name] = _Growing(self.path.parent, rows)
        self._arrays[name].add(rows)

    def close(self) -> None:
        """Write all arrays."""
        with zipfile.ZipFile(self.path, "w", allowZip64=True) as archive:
            for name, texts in self._texts.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.array(texts, dtype=str))
            for name, growing in self._arrays.items():
                growing.write(archive, f"{name}.npy")
        self.discard()

    def discard(self) -> None:
        """Forget all rows."""
        for growing in self._arrays.values():
            growing.file.close()
        self._arrays.clear()


@final
class _Growing:
    """Rows of one array, in a file without a name."""

    def __init__(self, folder: Path, like: Shaped[np.ndarray, "rows ..."]) -> None:
        self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self.dtype, self.shape, self.rows = like.dtype, like.shape[1:], 0

    def add(self, rows: Shaped[np.ndarray, "rows ..."]) -> None:
        if (rows.dtype, rows.shape[1:]) != (self.dtype, self.shape):
            raise ValueError(f"rows of {self.dtype} {self.shape} were expected, got {rows.dtype} {rows.shape[1:]}")
        self.file.write(np.ascontiguousarray(rows).tobytes())
        self.rows += len(rows)

    def write(self, archive: zipfile.ZipFile, name: str) -> None:
        """The array as a file of the archive, in NumPy's format."""
        description = np.lib.format.dtype_to_descr(self.dtype)
        header = {"descr": description, "fortran_order": False, "shape": (self.rows, *self.shape)}
        self.file.seek(0)
        with archive.open(name, "w", force_zip64=True) as target:
            np.lib.format.write_array_header_1_0(target, header)
            shutil.copyfileobj(self.file, target)

"""Object vectors on disk: more than memory holds."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

AT_ONCE = 1 << 22
"""Numbers in memory at a time."""


@final
class VectorFile:
    """Rows that are added one after the other to a file without a name, and read a part at a time.

    Args:
        folder: where the file lies; None for the system's folder of temporary files.

    Example:
        >>> with VectorFile() as file:
        ...     file.add(torch.eye(2))
        ...     file.rows, file.some(torch.tensor([1])).tolist()
        (2, [[0.0, 1.0]])
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self.rows, self.dim = 0, 0

    def __enter__(self) -> "VectorFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, vectors: Float[Tensor, "rows dim"]) -> None:
        """Further rows of the same length."""
        self._file.write(vectors.float().contiguous().numpy().tobytes())
        self.rows, self.dim = self.rows + len(vectors), vectors.shape[1]

    def some(self, numbers: Int[Tensor, " rows"]) -> Float[Tensor, "rows dim"]:
        """These rows."""
        return torch.from_numpy(self._array()[numbers.numpy()].copy()) if self.rows else torch.empty(0, self.dim)

    def parts(self) -> Iterator[Float[Tensor, "part dim"]]:
        """All rows in their order, a part at a time."""
        each = max(AT_ONCE // max(self.dim, 1), 1)
        for first in range(0, self.rows, each):
            yield torch.from_numpy(self._array()[first : first + each].copy())

    def _array(self) -> np.memmap:
        self._file.flush()
        return np.memmap(self._file, np.float32, "r", shape=(self.rows, self.dim))

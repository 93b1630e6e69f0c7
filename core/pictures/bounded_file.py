"""Files that are never read beyond their end, however many bytes are asked for."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, final


@final
class _Bounded(io.FileIO):
    """Reading asks for no more memory than there are bytes: a damaged length may claim gigabytes."""

    def read(self, size: int | None = -1) -> bytes:
        """As many bytes as are there, at most `size`."""
        left = max(os.fstat(self.fileno()).st_size - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left)) or b""


@contextmanager
def bounded(path: Path) -> Iterator[BinaryIO]:
    """A file opened for reading, whose `read` allocates what is there at most.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.png"
        >>> _ = path.write_bytes(b"abc")
        >>> with bounded(path) as file:
        ...     file.read(2**60)
        b'abc'
    """
    with _Bounded(path, "rb") as file:
        yield file

"""One process at a time in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def locked(path: Path, taken: str) -> Iterator[None]:
    """Within it, no other process has the lock of the file `path`, which is made and goes again.

    Raises:
        RuntimeError: with the words `taken`, if another process has it.
        OSError: if the file cannot be made.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RuntimeError(taken) from error
    try:
        yield
    finally:
        # Before it is released: otherwise the file that goes might be one that another process has locked by then.
        with suppress(OSError):  # systems that remove no open file keep it
            path.unlink()
        lock.release()

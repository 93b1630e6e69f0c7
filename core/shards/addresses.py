"""Where an archive lies: on a disk, or at an address that fsspec reads (`s3://…`, `https://…`)."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..storage.tar_members import Seekable

ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)", re.DOTALL)
"""A scheme has two letters or more, so that no drive is one. A `Path` keeps one of the slashes."""
AT_ONCE = 2**23
"""Bytes that are read at once."""
TRIES = 3
"""So often a remote stretch is asked for, before it counts as unreadable."""


def address_of(path: Path | str) -> str | None:
    """The remote address that a path stands for; None for what lies on a disk.

    Example:
        >>> address_of(Path("s3://bucket/a/000.tar")), address_of("C:/a.tar"), address_of("a/000.tar")
        ('s3://bucket/a/000.tar', None, None)
    """
    found = ADDRESS.fullmatch(str(path))
    return None if found is None else f"{found[1]}://{found[2]}"


def is_archive(path: Path) -> bool:
    """Whether a path is called like an archive, and is no folder.

    Example:
        >>> is_archive(Path("a/000.tar")), is_archive(Path("a/000.tar.gz"))
        (True, False)
    """
    return path.suffix.lower() == ".tar" and not path.is_dir()


def size_of(path: Path) -> int:
    """How many bytes an archive has.

    Raises:
        OSError: if it is not there.
        ImportError: if the library of its address is not installed.
    """
    address = address_of(path)
    return path.stat().st_size if address is None else _remote_size(address)


def stamp_of(path: Path) -> str:
    """What changes when an archive does: its size, and on a disk when it was written."""
    if address_of(path) is not None:
        return str(size_of(path))
    seen = path.stat()
    return f"{seen.st_size}:{seen.st_mtime_ns}"


@contextmanager
def opened(path: Path) -> Iterator[Seekable]:
    """An archive, or a file beside one, for reading from any place.

    Raises:
        OSError: if it cannot be opened.
    """
    address = address_of(path)
    if address is None:
        with path.open("rb") as file:
            yield file
        return
    system, place = _system(address)
    with system.open(place, "rb") as file:
        yield file


def blocks(path: Path, begin: int, size: int) -> Iterator[bytes]:
    """A stretch of an archive, a block at a time; it ends early where the archive does.

    Raises:
        OSError: if it cannot be read.
    """
    address, end = address_of(path), begin + size
    if address is not None:
        for first in range(begin, end, AT_ONCE):
            yield _remote(address, first, min(first + AT_ONCE, end))
        return
    with path.open("rb") as file:
        file.seek(begin)
        while begin < end and (block := file.read(min(AT_ONCE, end - begin))):
            begin += len(block)
            yield block


def archives_in(folder: Path) -> tuple[Path, ...]:
    """The archives in a remote folder, in order.

    Raises:
        OSError: if it cannot be listed.
    """
    address = address_of(folder)
    assert address is not None
    system, place = _system(address)
    names = sorted(str(found).rsplit("/", 1)[-1] for found in system.ls(place, detail=False))
    return tuple(folder / name for name in names if name.lower().endswith(".tar"))


@lru_cache(maxsize=65_536)
def _remote_size(address: str) -> int:
    system, place = _system(address)
    size = system.size(place)
    if size is None:
        raise OSError(f"{address} does not say how large it is; use a server that does, or copy it to a disk")
    return int(size)


def forget_sizes() -> None:
    """Ask for the sizes of remote archives again, which are asked for once."""
    _remote_size.cache_clear()


def _remote(address: str, begin: int, end: int) -> bytes:
    system, place = _system(address)
    for again in range(TRIES):
        try:
            return bytes(system.cat_file(place, start=begin, end=end))
        except FileNotFoundError:
            raise
        except OSError:
            if again + 1 == TRIES:
                raise
            time.sleep(2.0**again)
    raise AssertionError


def _system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the place in it; fsspec keeps one for every process.

    Raises:
        ImportError: if the library of the address is not installed.
        ValueError: if nobody knows its scheme.
    """
    try:
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(address)
    except ImportError as error:
        raise ImportError(f"{address} needs a library ({error}): pip install 'gestalt-ssl[remote]'") from error
    except ValueError as error:
        raise ValueError(f"{address} cannot be opened ({error}); use s3://, https:// or a path") from error
    return found

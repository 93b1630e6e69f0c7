"""Files in archives, whose paths are those of their archives and their names behind: `shards/000.tar/owl/a.wav`.

Nothing is unpacked but the file whose turn has come, for libraries that open files by their names.
"""

import atexit
import os
import shutil
import tempfile
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import util
from pathlib import Path
from typing import BinaryIO, cast, final

from ..data.items import BadItemError
from ..storage.damage import first_line
from ..storage.tar_members import ADVICE
from .addresses import blocks, is_archive, size_of
from .archive import UNKNOWN, Archive, key_of
from .index import INDICES

MARK = ".tar/"
KNOWN = frozenset((".json", ".cls"))
"""Endings of what is known of a record that has other files."""
KEPT = 2**28
"""Bytes of files that stay unpacked for a while, besides the last one."""


def place_of(path: Path) -> tuple[Path, str] | None:
    """The archive and the name of a file in one; None for other paths.

    Example:
        >>> place_of(Path("shards/000.tar/owl/a.wav"))
        (PosixPath('shards/000.tar'), 'owl/a.wav')
        >>> place_of(Path("a.wav"))
    """
    text = path.as_posix()
    at = text.lower().find(MARK)
    while at >= 0:
        archive = Path(text[: at + len(MARK) - 1])
        if is_archive(archive):
            return archive, text[at + len(MARK) :]
        at = text.lower().find(MARK, at + 1)
    return None


def files_in(archive: Path) -> list[Path]:
    """The files of an archive in their order, without what is only known of them; the archive itself first, where
    something is the matter with it.
    """
    try:
        found = INDICES.of(archive)
    except BadItemError:
        return [archive]
    names = [found.name(number) for number in found.in_order()]
    data = {key_of(name) for name in names if Path(name).suffix.lower() not in KNOWN}
    kept = [archive / name for name in names if not (Path(name).suffix.lower() in KNOWN and key_of(name) in data)]
    return ([archive] if found.damage else []) + kept


def obstacle_in(path: Path) -> str | None:
    """Why an archive, or a file in one, cannot be read as far as its index says; None if nothing is in the way."""
    place = place_of(path)
    archive, name = place or (path, "")
    try:
        if place is None:
            damage = INDICES.of(path).damage
            return f"{damage}; what is there is read, {ADVICE}" if damage else None
        found = INDICES.of(archive)
        number = found.number(name)
        if number is None:
            return f"is not in {archive}; {ADVICE}"
        return _cut(archive, found, number)
    except BadItemError as error:
        return error.reason
    except OSError as error:
        return f"lies in {archive}, which cannot be read ({first_line(error)}); {ADVICE}"


def _cut(archive: Path, found: Archive, number: int) -> str | None:
    member, size = found.member(number), size_of(archive)
    if member.begin + member.size <= size:
        return None
    return f"lies in {archive}, which is cut off: it had {found.bytes} bytes and has {size}; {ADVICE}"


def bytes_of(path: Path) -> int:
    """How many bytes a file has, in an archive or not.

    Raises:
        BadItemError: if the archive has no such file.
        OSError: if it is not there.
    """
    place = place_of(path)
    if place is None:
        return path.stat().st_size
    found, number = _found(path, *place)
    return int(found.sizes[number])


def there(path: Path) -> bool:
    """Whether a file exists, in an archive or not."""
    place = place_of(path)
    return path.exists() if place is None else INDICES.of(place[0]).number(place[1]) is not None


def is_file(path: Path) -> bool:
    """Whether a path is that of a file, in an archive or not.

    Raises:
        BadItemError: if the archive cannot be read.
    """
    return path.is_file() if place_of(path) is None else there(path)


def content(path: Path) -> Iterator[bytes]:
    """The bytes of a file in an archive, a block at a time; at the end, whether they are those that were packed.

    Raises:
        BadItemError: if the archive cannot be read, is cut off there, or holds other bytes than were packed.
    """
    place = place_of(path)
    assert place is not None
    found, number = _found(path, *place)
    member, left, total = found.member(number), int(found.sizes[number]), 0
    try:
        for block in blocks(place[0], member.begin, member.size):
            left, total = left - len(block), zlib.crc32(block, total)
            yield block
    except OSError as error:
        raise BadItemError(str(path), f"cannot be read from its archive ({first_line(error)}); {ADVICE}") from error
    if left:
        raise BadItemError(str(path), f"is cut off in its archive: {left} of {member.size} bytes are missing; {ADVICE}")
    if found.sums[number] not in (UNKNOWN, total):
        raise BadItemError(str(path), f"is damaged: its bytes are not those that were packed; {ADVICE}")


def open_file(path: Path) -> BinaryIO:
    """A file for reading, in an archive or not.

    Raises:
        BadItemError: as `content`.
        OSError: if it is not there.
    """
    return path.open("rb") if place_of(path) is None else cast(BinaryIO, _KEPT.of(path).open("rb"))


@contextmanager
def at_hand(path: Path) -> Iterator[Path]:
    """A file as libraries can open it: itself, or, in an archive, a copy that stays until others need the space.

    Errors of those libraries name the file in the archive.

    Raises:
        BadItemError: as `content`.
    """
    if place_of(path) is None:
        yield path
        return
    with _KEPT.lock:
        copy = _KEPT.of(path)
        try:
            yield copy
        except BadItemError as error:
            name, reason = (text.replace(str(copy), str(path)) for text in (error.name, error.reason))
            raise BadItemError(name, reason, error.absent) from error
        except (ValueError, OSError) as error:
            if str(copy) not in str(error):
                raise
            raise BadItemError(str(path), str(error).replace(str(copy), str(path))) from error


def _found(path: Path, archive: Path, name: str) -> tuple[Archive, int]:
    found = INDICES.of(archive)
    number = found.number(name)
    if number is None:
        raise BadItemError(str(path), f"is not in its archive; {ADVICE}")
    return found, number


@final
class _Unpacked:
    """The files that this process has unpacked, the oldest first."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._process, self._folder, self._count = -1, Path(), 0
        self._files: OrderedDict[Path, tuple[Path, int]] = OrderedDict()

    def of(self, path: Path) -> Path:
        """The copy of a file."""
        with self.lock:
            if self._process != os.getpid():  # a worker begins with what its parent had
                self._begin()
            known = self._files.get(path)
            if known is None or not known[0].exists():
                known = self._unpack(path)
            self._files[path] = known
            self._files.move_to_end(path)
            while len(self._files) > 1 and sum(size for _, size in self._files.values()) > KEPT:
                self._files.popitem(last=False)[1][0].unlink(missing_ok=True)
            return known[0]

    def _begin(self) -> None:
        self._process, self._count = os.getpid(), 0
        self._files = OrderedDict()
        self._folder = Path(tempfile.mkdtemp(prefix="gestalt-"))
        # Workers leave by their own door, which passes `atexit` by.
        util.Finalize(None, shutil.rmtree, (self._folder, True), exitpriority=1)
        atexit.register(shutil.rmtree, self._folder, True)

    def _unpack(self, path: Path) -> tuple[Path, int]:
        """Files are called by us, so that no name in an archive leads anywhere."""
        self._count += 1
        copy = self._folder / f"{self._count}{''.join(Path(path.name).suffixes[-2:])[-20:]}"
        size = 0
        try:
            with copy.open("wb") as file:
                for block in content(path):
                    size += file.write(block)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        return copy, size


_KEPT = _Unpacked()

"""Writing archives as WebDataset writes them: files of one key are one record, one behind the other."""

import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from filelock import FileLock, Timeout

from ..storage.atomic import write_bytes, write_text
from ..storage.damage import json_of, read_or_name
from ..storage.tar_members import BLOCK, Member, Members, Seekable
from .addresses import stamp_of
from .archive import Archive, archive_of
from .files import bytes_of, open_file, place_of
from .index import INDEX, read_index, table_of

BEGUN = "packing.json"
"""In a folder whose archives are not all there yet: which files they are of."""
LOCK = ".packing.lock"
PART = ".index"
"""Behind the name of an archive: what it holds, until the index of all is written."""
HEADER = 3 * BLOCK
"""Bytes that the headers of one file take at most, names of a usual length."""


@final
@dataclass(frozen=True)
class Record:
    """What becomes one record.

    Attributes:
        key: what it is called, without a dot behind its folders.
        files: by their endings, with the dot.
        notes: what is known of it, by endings.
    """

    key: str
    files: Mapping[str, Path]
    notes: Mapping[str, bytes]

    def size(self) -> int:
        """Bytes that it takes in an archive."""
        sizes = [*(bytes_of(path) for path in self.files.values()), *map(len, self.notes.values())]
        return sum(HEADER + -(-size // BLOCK) * BLOCK for size in sizes)


def pack_records(records: Sequence[Record], out: Path, most: int) -> list[Path]:
    """Write records in their order into archives of at most so many bytes each (one record alone may have more).

    Every archive takes its place when it is whole, and the index when all are. Whoever calls this again with the same
    records after a kill goes on behind the last whole archive.

    Raises:
        FileExistsError: if the folder holds anything else.
        RuntimeError: if another process writes there.
        OSError: if the disk is full or refuses.
    """
    sizes = [record.size() for record in records]
    groups = list(_groups(sizes, most))
    plan = {"of": _digest(records, sizes, most), "archives": len(groups)}
    with _claimed(out):
        done = _begin(out, plan)
        for number, group in enumerate(groups):
            name = archive_name(number)
            if name not in done:
                done[name] = _written(records[group.start : group.stop], out / name)
                write_bytes(out / f"{name}{PART}", table_of({name: done[name]}))
        write_bytes(out / INDEX, table_of(done))
        for name in done:
            (out / f"{name}{PART}").unlink(missing_ok=True)
        (out / BEGUN).unlink()
    return [out / name for name in sorted(done)]


def archive_name(number: int) -> str:
    """What an archive is called.

    Example:
        >>> archive_name(7)
        '000007.tar'
    """
    return f"{number:06d}.tar"


def _groups(sizes: Sequence[int], most: int) -> Iterator[range]:
    """Which records go together.

    Example:
        >>> list(_groups([3, 4, 9, 1, 1], 8))
        [range(0, 2), range(2, 3), range(3, 5)]
    """
    first, full = 0, 0
    for number, size in enumerate(sizes):
        if full and full + size > most:
            yield range(first, number)
            first, full = number, 0
        full += size
    yield range(first, len(sizes))


def _digest(records: Sequence[Record], sizes: Sequence[int], most: int) -> str:
    digest = hashlib.sha256(f"{most}".encode())
    for record, size in zip(records, sizes, strict=True):
        stamps = [place_of(path) is None and stamp_of(path) for path in record.files.values()]
        said = [record.key, size, *record.files, *map(str, record.files.values()), *stamps]
        digest.update(repr((said, sorted(record.notes.items()))).encode(errors="surrogateescape"))
    return digest.hexdigest()


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RuntimeError(f"another process is packing into {out}; wait until it ends, or choose another") from error
    try:
        yield
    finally:
        with suppress(OSError):
            (out / LOCK).unlink()
        lock.release()


def _begin(out: Path, plan: Mapping[str, object]) -> dict[str, Archive]:
    """The archives that an earlier call with the same plan has finished."""
    begun = out / BEGUN
    if not begun.is_file():
        there = sorted(path.name for path in out.iterdir() if path.name != LOCK)
        if there:
            raise FileExistsError(f"{out} holds {there[0]} already; choose another folder by --out, or remove it")
        write_text(begun, json.dumps(plan) + "\n")
        return {}
    if read_or_name(begun, json_of, f"remove {out} and begin again") != plan:
        raise FileExistsError(
            f"{out} holds archives of other files, or of files that were changed since; remove it, or choose another "
            "folder by --out"
        )
    found = dict[str, Archive]()
    for part in (out / INDEX, *sorted(out.glob(f"*{PART}"))):
        known = read_index(part) if part.is_file() else {}
        found |= {name: one for name, one in known.items() if one.packed and _whole(out / name, one)}
    return found


def _whole(path: Path, known: Archive) -> bool:
    return path.is_file() and path.stat().st_size == known.bytes


def _written(records: Sequence[Record], path: Path) -> Archive:
    """One archive with these records, whole or not at all."""
    temporary = path.with_name(f"{path.name}.part")
    members, sums = list[Member](), dict[str, int]()
    try:
        with temporary.open("wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for record in records:
                    for ending, source in record.files.items():
                        with open_file(source) as content:
                            _add(archive, f"{record.key}{ending}", content, bytes_of(source), members, sums)
                    for ending, note in record.notes.items():
                        _add(archive, f"{record.key}{ending}", io.BytesIO(note), len(note), members, sums)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return archive_of(Members(tuple(members)), path.stat().st_size, stamp_of(path), sums)


def _add(
    archive: tarfile.TarFile, name: str, content: Seekable, size: int, members: list[Member], sums: dict[str, int]
) -> None:
    info = tarfile.TarInfo(name)  # of no time and no owner: the same files give the same archive
    info.size = size
    summed = _Summed(content)
    try:
        archive.addfile(info, summed)
    except OSError as error:
        if error.errno is not None:
            raise
        raise OSError(f"a file became shorter while it was packed ({name}); run again") from error
    members.append(Member(name, archive.offset - -(-size // BLOCK) * BLOCK, size))
    sums[name] = summed.sum


@final
class _Summed(io.RawIOBase):
    """A file whose bytes are added up as they are read."""

    def __init__(self, content: Seekable) -> None:
        super().__init__()
        self.content, self.sum = content, 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        block = self.content.read(size)
        self.sum = zlib.crc32(block, self.sum)
        return block

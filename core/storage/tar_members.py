"""The files in a tar archive, by their places in it: nothing is unpacked, and no header is believed.

Python's own reader follows links, sparse files and headers of any length; here whatever is no plain file is passed
over, and a header may not claim more than the archive has.
"""

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final, runtime_checkable

from ..data.items import BadItemError

BLOCK = 512
LONGEST = 2**20
"""Bytes that the name of a file, or what else is said of it, may have."""
PLAIN = frozenset((tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE))
ADVICE = "write the archive again, remove it, or leave it out with --skip-bad"
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


@runtime_checkable
class Seekable(Protocol):
    """A file open for reading, on a disk or elsewhere."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        ...


@final
@dataclass(frozen=True)
class Member:
    """A plain file of an archive: its name there, its first byte and how many it has."""

    name: str
    begin: int
    size: int


@final
@dataclass(frozen=True)
class Members:
    """The plain files of an archive.

    Attributes:
        files: in their order.
        others: how many links, devices and sparse files were passed over.
        damage: what is missing at its end; files before that are there.
    """

    files: tuple[Member, ...]
    others: int = 0
    damage: str = ""


def members_of(path: Path) -> Members:
    """The plain files of an archive, from its headers alone.

    Raises:
        BadItemError: if it is no tar archive, is compressed, or its first header is damaged.
    """
    with path.open("rb") as file:
        return members_in(file, path.stat().st_size, str(path))


def members_in(file: Seekable, size: int, name: str) -> Members:
    """The plain files of an open archive that has so many bytes; `name` is for messages.

    Raises:
        BadItemError: as `members_of`.
    """
    files, others = list[Member](), 0
    if file.read(8).startswith(PACKED):
        raise BadItemError(name, f"is compressed, and items are read from any place in it: unpack it, {ADVICE}")
    at, said = 0, dict[str, str]()
    while True:
        file.seek(at)
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            if not files:
                raise BadItemError(name, f"is no tar archive; {ADVICE}")
            return Members(tuple(files), others, f"is cut off, or was never closed, at byte {at}")
        if not any(block):
            return Members(tuple(files), others)
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            length = int(said.get("size", info.size))
            if length < 0:
                raise ValueError("a file has fewer than no bytes")
            following = at + BLOCK + -(-length // BLOCK) * BLOCK
            if at + BLOCK + length > size:
                return Members(tuple(files), others, f"is cut off within {said.get('path', info.name)!r}")
            if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
                said |= _said(file, info.type, length)
            elif info.type not in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
                if info.type in PLAIN and not any(key.startswith("GNU.sparse") for key in said):
                    files.append(Member(said.get("path", info.name), at + BLOCK, length))
                elif info.type != tarfile.DIRTYPE:
                    others += 1
                said = {}
        except (tarfile.HeaderError, ValueError) as error:
            if not files:
                raise BadItemError(name, f"is no tar archive ({error}); {ADVICE}") from error
            return Members(tuple(files), others, f"is damaged at byte {at} ({error})")
        at = following


def _said(file: Seekable, kind: bytes, length: int) -> Mapping[str, str]:
    """What a header before a file says of it.

    Raises:
        ValueError: if it is too long, or no list of names and values.
    """
    if length > LONGEST:
        raise ValueError(f"a header claims {length} bytes")
    content = file.read(length)
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": content.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")}
    found = dict[str, str]()
    while content:
        digits, _, _ = content.partition(b" ")
        end = int(digits)
        if not len(digits) < end <= len(content):
            raise ValueError("a header's entries have wrong lengths")
        name, _, value = content[len(digits) + 1 : end - 1].partition(b"=")
        found[name.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        content = content[end:]
    return found

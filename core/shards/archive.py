"""One archive by its index: which files it has, and where each begins."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Int

from ..data.items import BadItemError
from ..storage.damage import first_line
from ..storage.listing import obstacle
from ..storage.tar_members import ADVICE, Member, Members, members_in
from .addresses import address_of, opened, size_of, stamp_of

UNKNOWN = -1
"""In the place of a check sum that nobody computed."""


@runtime_checkable
class Strings(Protocol):
    """A list of strings, or what is one as far as its length and single entries go."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, number: int, /) -> str:
        """One of them."""
        ...


@final
@dataclass(frozen=True)
class Archive:
    """What an index says of an archive. The files are sorted by name.

    Attributes:
        names: of the files, with their folders.
        begins: the first byte of every file.
        sizes: how many bytes each has.
        sums: the CRC-32 of each, `UNKNOWN` where nobody computed it.
        bytes: that the archive had when the index was made.
        stamp: see `stamp_of`.
        packed: whether the index was written with it: then it holds whatever became of the archive.
        others: how many links, devices and names that come twice it has beside them.
        damage: what is missing at its end.
    """

    names: Strings
    begins: Int[np.ndarray, " files"]
    sizes: Int[np.ndarray, " files"]
    sums: Int[np.ndarray, " files"]
    bytes: int
    stamp: str
    packed: bool = False
    others: int = 0
    damage: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def name(self, number: int) -> str:
        """The name of a file."""
        return self.names[number]

    def number(self, name: str) -> int | None:
        """The number of a file of that name; None where there is none."""
        at = bisect_left(range(len(self)), name, key=self.name)
        return at if at < len(self) and self.name(at) == name else None

    def member(self, number: int) -> Member:
        """A file with its place."""
        return Member(self.name(number), int(self.begins[number]), int(self.sizes[number]))

    def in_order(self) -> list[int]:
        """The numbers of all files, as they follow one another in the archive."""
        return [int(number) for number in np.argsort(self.begins, kind="stable")]


def scanned(path: Path) -> Archive:
    """What an archive holds, by one pass over its headers.

    Raises:
        BadItemError: if it is no tar archive, or cannot be read.
    """
    reason = obstacle(path) if address_of(path) is None else None
    if reason is not None:  # a pipe would wait for whoever writes to it
        raise BadItemError(str(path), f"{reason}; {ADVICE}")
    try:
        stamp, size = stamp_of(path), size_of(path)
        with opened(path) as file:
            found = members_in(file, size, str(path))
    except OSError as error:
        raise BadItemError(str(path), f"cannot be read ({first_line(error)}); {ADVICE}") from error
    return archive_of(found, size, stamp)


def archive_of(found: Members, size: int, stamp: str, sums: Mapping[str, int] | None = None) -> Archive:
    """The files of an archive, of several with one name the first.

    Args:
        found: its files in order.
        size: of the archive.
        stamp: of the archive.
        sums: the check sum of every file, by name, where they were computed while it was written.
    """
    first, twice = dict[str, Member](), 0
    for member in found.files:
        name = harmless(member.name)
        twice += not name or name in first
        if name:
            first.setdefault(name, member)
    names = sorted(first)
    return Archive(
        names,
        np.array([first[name].begin for name in names], dtype=np.int64),
        np.array([first[name].size for name in names], dtype=np.int64),
        np.array([UNKNOWN if sums is None else sums[name] for name in names], dtype=np.int64),
        size,
        stamp,
        sums is not None,
        found.others + twice,
        found.damage,
    )


def harmless(name: str) -> str:
    r"""The name of a file in an archive, as one below it: it leads nowhere else, and is UTF-8.

    Example:
        >>> harmless("./a/b.png"), harmless("../../etc/passwd"), harmless("/c\udce9.wav")
        ('a/b.png', 'etc/passwd', 'c\\udce9.wav')
    """
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", "..", "//")]
    return "/".join(parts).replace("\0", "").encode("utf-8", "backslashreplace").decode()


def key_of(name: str) -> str:
    """What a file's record is called, as WebDataset has it: its name up to the first dot behind the folders.

    Example:
        >>> key_of("owl/a.seg.png"), key_of("b.png")
        ('owl/a', 'b')
    """
    folder, slash, base = name.rpartition("/")
    return folder + slash + base.partition(".")[0]

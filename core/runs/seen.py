"""Which items a run was trained on, and a model was fitted to: scores of these flatter, and that is said."""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import UInt64

from ..data.items import AbstractItems, FromFiles, record_of
from ..shards.files import bytes_of, content, place_of
from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..storage.names_of_runs import SEEN
from ..storage.naming import counted

KEPT = 65_536
"""Fingerprints that are kept, the smallest ones: of more items they are a sample in which others are found again."""
END = 4096
"""Bytes of the beginning, the middle and the end of a file that tell it from another of its name and size."""
TRAINED, FITTED = "trained", "fitted"
FLATTERED = {
    FITTED: "the model was fitted to: scores of these flatter; name others",
    TRAINED: "the encoder was trained on: scores of these may flatter; name others",
}
"""How each kind is said, the one that flatters more first."""


@final
@dataclass(frozen=True)
class Seen:
    """Items by their fingerprints.

    Attributes:
        count: how many there are.
        smallest: fingerprints, in order; all where there are at most `KEPT`.
        ends: of each of these, a digest of some bytes of its file: clips of one length have the same size, and are
            often called alike in every folder.
    """

    count: int
    smallest: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, items: AbstractItems[Any], numbers: Sequence[int] | None = None) -> "Seen":
        """Some items of a data set, or all; none where items lie in no files, since nothing tells them from others.

        Names and sizes of all files are asked for, and `KEPT` files are opened at most.
        """
        if not isinstance(items, FromFiles):
            return cls(0, (), ())
        numbers = range(len(items)) if numbers is None else numbers
        found = fingerprints(items, numbers)
        order, ends = np.argsort(found, kind="stable")[:KEPT], cache(_ends)
        return cls._of_pairs(
            len(found), {(int(found[place]), ends(items.path(numbers[int(place)]))) for place in order}
        )

    @classmethod
    def _of_pairs(cls, count: int, pairs: Set[tuple[int, int]]) -> "Seen":
        """Of fingerprints with the digests of their files: files of folders may share the first and differ in these."""
        kept = sorted(pairs)[:KEPT]
        return cls(count, tuple(one for one, _ in kept), tuple(end for _, end in kept))

    def _pairs(self) -> frozenset[tuple[int, int]]:
        return frozenset(zip(self.smallest, self.ends, strict=True))

    def joined(self, other: "Seen") -> "Seen":
        """These and others; what is among both counts once, as far as fingerprints are kept."""
        both = self._pairs() | other._pairs()
        return Seen._of_pairs(self.count + other.count - (len(self.ends) + len(other.ends) - len(both)), both)

    def share(self, items: AbstractItems[Any], numbers: Sequence[int]) -> tuple[float, bool]:
        """The share of some items that are among these, and whether it is exact and no estimate by a sample."""
        exact = self.count <= KEPT
        if not self.smallest or not isinstance(items, FromFiles):
            return 0.0, exact
        asked, kept = fingerprints(items, numbers), np.array(self.smallest, np.uint64)
        counted_ones = np.ones(len(asked), bool) if exact else asked <= kept[-1]
        alike = np.flatnonzero(counted_ones & np.isin(asked, kept))
        ends, pairs = cache(_ends), self._pairs()
        same = sum((int(asked[place]), ends(items.path(numbers[int(place)]))) in pairs for place in alike)
        return same / max(1, int(counted_ones.sum())), exact


def fingerprints(items: AbstractItems[Any], numbers: Sequence[int]) -> UInt64[np.ndarray, " some"]:
    """A number for every item, of the name and the size of its file and its place in it; where the file lies is none
    of it, since data sets move. Items that lie in no files have none.
    """
    if not isinstance(items, FromFiles):
        return np.zeros(0, np.uint64)
    size = cache(_size)
    found = bytearray()
    for number in numbers:
        path = items.path(number)
        said = f"{path.name}\0{size(path)}\0{record_of(items, number)}"
        found += blake2b(said.encode(errors="surrogatepass"), digest_size=8).digest()
    return np.frombuffer(bytes(found), "<u8").astype(np.uint64)


def _size(path: Path) -> int:
    try:
        return 0 if path.is_dir() else bytes_of(path)
    except (OSError, ValueError):  # named when it is read
        return 0


def _ends(path: Path) -> int:
    """A digest of some bytes of a file, of the first ones in an archive; 0 for what cannot be read, and for folders."""
    try:
        if place_of(path) is not None:
            some = [next(content(path), b"")]
        elif path.is_dir():
            return 0
        else:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                some = []
                for begin in (0, size // 2, max(0, size - END)):
                    file.seek(begin)
                    some.append(file.read(END))
    except (OSError, ValueError):  # named when it is read
        return 0
    return int.from_bytes(blake2b(b"\0".join(some), digest_size=8).digest())


def write_seen(folder: Path, seen: Mapping[str, Seen]) -> None:
    """Write what was seen by kind (`TRAINED`, `FITTED`); kinds of nothing are left out."""
    kept = {kind: asdict(own) for kind, own in seen.items() if own.count}
    write_text(folder / SEEN, json.dumps(kept) + "\n")


def seen_by(folder: Path) -> dict[str, Seen]:
    """What a run's folder says of it; nothing where it says nothing, as those of older versions.

    Raises:
        ValueError: if the file is damaged.
    """
    path = folder / SEEN
    if not path.is_file():
        return {}
    return read_or_name(path, lambda _: _read(json_of(path)), "remove it")


def _read(kept: Any) -> dict[str, Seen]:
    return {str(kind): _of_one_kind(own) for kind, own in kept.items()}


def _of_one_kind(own: Mapping[str, Any]) -> Seen:
    smallest, ends = tuple(map(int, own["smallest"])), tuple(map(int, own["ends"]))
    if len(smallest) != len(ends) or list(smallest) != sorted(smallest):
        raise ValueError(f"it has {len(smallest)} fingerprints, which must be in order, and {len(ends)} digests")
    return Seen(int(own["count"]), smallest, ends)


def seen_again(folder: Path | None, items: AbstractItems[Any], numbers: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """In a line, that items which are scored were seen before; nothing where none was."""
    seen = {} if folder is None or not numbers else seen_by(folder)
    for kind, said in FLATTERED.items():
        share, exact = seen[kind].share(items, numbers) if kind in seen else (0.0, True)
        if share > 0:
            some = str(round(share * len(numbers))) if exact else f"about {share:.0%}"
            scored = f"{some} of the {counted(len(numbers), 'item')} that are scored"
            return (("seen before", f"{scored} are among those that {said}"),)
    return ()

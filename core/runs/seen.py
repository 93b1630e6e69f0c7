"""Which items a run was trained on, and a model was fitted to: scores of these flatter, and that is said."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import UInt64

from ..data.items import AbstractItems, FromFiles, record_of
from ..shards.files import bytes_of
from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..storage.names_of_runs import SEEN
from ..storage.naming import counted

KEPT = 4096
"""Fingerprints that are kept, the smallest ones: of more items they are a sample in which others are found again."""
MOST = 1_000_000
"""Items that get a fingerprint, evenly over all."""
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
    """

    count: int
    smallest: tuple[int, ...]

    @classmethod
    def of(cls, items: AbstractItems[Any], numbers: Sequence[int] | None = None) -> "Seen":
        """Some items of a data set, or all; none where items lie in no files, since nothing tells them from others."""
        found = np.sort(fingerprints(items, range(len(items)) if numbers is None else numbers))
        return cls(len(found), tuple(found[:KEPT].tolist()))

    def share(self, items: AbstractItems[Any], numbers: Sequence[int]) -> tuple[float, bool]:
        """The share of some items that are among these, and whether it is exact and no estimate by a sample."""
        asked, exact = fingerprints(items, numbers), self.count <= KEPT
        if not exact and len(self.smallest):
            asked = asked[asked <= np.uint64(self.smallest[-1])]
        if not len(asked) or not self.smallest:
            return 0.0, exact
        return float(np.isin(asked, np.array(self.smallest, np.uint64)).mean()), exact


def fingerprints(items: AbstractItems[Any], numbers: Sequence[int]) -> UInt64[np.ndarray, " some"]:
    """A number for every item, of the name and the size of its file and its place in it; where the file lies is none
    of it, since data sets move.
    """
    if not isinstance(items, FromFiles):
        return np.zeros(0, np.uint64)
    if len(numbers) > MOST:
        numbers = [numbers[place] for place in np.linspace(0, len(numbers) - 1, MOST).round().astype(int)]
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


def write_seen(folder: Path, seen: Mapping[str, Seen]) -> None:
    """Write what was seen by kind (`TRAINED`, `FITTED`); kinds of nothing are left out."""
    kept = {kind: {"count": own.count, "smallest": own.smallest} for kind, own in seen.items() if own.count}
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
    return {str(kind): Seen(int(own["count"]), tuple(map(int, own["smallest"]))) for kind, own in kept.items()}


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

"""Joint items in tar archives, as WebDataset has them: files of one name without its endings are the parts of one."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from ...data.items import AbstractItems, BadItemError, Skipped
from ...shards.files import content
from ...shards.index import INDICES, archives_among
from ...storage.tar_members import Member
from ..base import AbstractModality, Reading
from ..files import below
from ..optional import ReadsWindows
from ..probing import SAMPLE, none_usable
from ..windows import WindowIndex
from .item import JointItem
from .items import JointItems
from .reading import read_joint

KNOWN = frozenset(("json", "cls"))
"""Endings of what is known of an item: no part of it."""
ENDING = re.compile(r"[A-Za-z0-9]{1,16}")
STEM = "item"


@final
@dataclass(frozen=True)
class Sample:
    """The files of one item in an archive, by their endings."""

    shard: Path
    key: str
    files: Mapping[str, Member]

    @property
    def name(self) -> str:
        """The archive, and what its files are called."""
        return f"{self.shard}: {self.key}"


@final
@dataclass(frozen=True)
class PartOfShards(AbstractItems[Any]):
    """One part of all items."""

    items: "JointShards"
    part: str

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        """That of the item."""
        return self.items.name(index)

    def read(self, index: int, rng: np.random.Generator) -> Any:
        """The part of an item.

        Raises:
            BadItemError: if it cannot be read, or lacks the part.
        """
        parts = self.items.read(index, rng).parts
        if self.part not in parts:
            raise BadItemError(self.name(index), f"has no {self.part}")
        return parts[self.part]


@final
class JointShards(AbstractItems[JointItem]):
    """Items of archives. The files of one item are unpacked when its turn comes, read by their modalities, and removed.

    Args:
        modalities: of the parts.
        samples: the files of every item.
        counts: how many windows each has.
        allow_missing: take items that lack parts.
        full: read parts at the resolution of their files.
        jitter: for training: windows begin earlier or later, and captions are drawn.
    """

    def __init__(
        self,
        modalities: Mapping[str, AbstractModality[Any]],
        samples: Sequence[Sample],
        counts: Sequence[int],
        allow_missing: bool = False,
        full: bool = False,
        jitter: bool = False,
    ) -> None:
        self.modalities, self.samples, self.counts = modalities, samples, counts
        self.allow_missing, self.full, self.jitter = allow_missing, full, jitter
        self._index = WindowIndex(counts)

    def __len__(self) -> int:
        """Windows of all items together."""
        return len(self._index)

    @property
    def parts(self) -> Mapping[str, AbstractItems[Any]]:
        """The items of every part."""
        return {name: PartOfShards(self, name) for name in self.modalities}

    def path(self, index: int) -> Path:
        """The archive of an item."""
        return self.samples[self._index.place(index)[0]].shard

    def name(self, index: int) -> str:
        """The archive and the name of the item in it; of several windows, which."""
        number, window = self._index.place(index)
        name = self.samples[number].name
        return f"{name} [window {window + 1}]" if self.counts[number] > 1 else name

    def with_jitter(self, jitter: bool) -> "JointShards":
        """The same items, read for training or exactly."""
        return JointShards(self.modalities, self.samples, self.counts, self.allow_missing, self.full, jitter)

    def read(self, index: int, rng: np.random.Generator) -> JointItem:
        """One item.

        Raises:
            BadItemError: if one of its parts cannot be read or is missing, or the archive was changed.
        """
        number, window = self._index.place(index)
        with read_sample(self.samples[number], self.modalities, self.allow_missing, self.full) as reading:
            assert isinstance(reading.items, JointItems)
            if len(reading.items) != self.counts[number]:
                raise BadItemError(
                    self.samples[number].name,
                    f"holds {len(reading.items)} items, and {self.counts[number]} were expected; an item is the files "
                    "of one name: write the archive again, or leave it out with --skip-bad",
                )
            return reading.items.with_jitter(self.jitter).read(window, rng)


@contextmanager
def read_sample(
    one: Sample, modalities: Mapping[str, AbstractModality[Any]], allow_missing: bool, full: bool
) -> Iterator[Reading[JointItem]]:
    """What the files of one item hold, as long as they are unpacked; errors are those of the item.

    Files are called by us, so that no name in an archive leads anywhere.

    Raises:
        BadItemError: if it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="gestalt-") as made:
        folder = Path(made)
        try:
            for ending, member in one.files.items():
                with (folder / f"{STEM}.{ending}").open("wb") as file:
                    for block in content(one.shard / member.name):
                        file.write(block)
            yield read_joint(modalities, [folder], False, allow_missing, full)
        except BadItemError as error:
            raise BadItemError(*(_named(text, folder, one) for text in (error.name, error.reason))) from error
        except (ValueError, OSError) as error:
            raise BadItemError(one.name, _named(str(error), folder, one)) from error


def _named(text: str, folder: Path, one: Sample) -> str:
    """A message about unpacked files as one about the archive."""
    return text.replace(str(folder / STEM), one.name).replace(str(folder), one.name)


def read_paths(
    modalities: Mapping[str, AbstractModality[Any]],
    paths: Sequence[Path],
    skip_bad: bool,
    allow_missing: bool,
    full: bool = False,
) -> Reading[JointItem]:
    """The items of archives, where there are any among some paths and below them; otherwise those of `read_joint`.

    Raises:
        BadItemError, ValueError, FileNotFoundError: as these.
    """
    files = [file for path in paths for file in below(path) if not file.is_dir()]
    shards = archives_among(files)
    if not shards:
        return read_joint(modalities, paths, skip_bad, allow_missing, full)
    INDICES.look_into(shards)
    reading = read_shards(modalities, shards, skip_bad, allow_missing, full)
    archives = set(shards)
    beside = [file for file in files if file not in archives]
    reason = f"{len(beside)} files beside the archives are not read, the first {beside[0].name}" if beside else ""
    return replace(reading, damaged=(*reading.damaged, *([Skipped(str(beside[0].parent), reason)] if beside else [])))


def read_shards(
    modalities: Mapping[str, AbstractModality[Any]],
    shards: Sequence[Path],
    skip_bad: bool,
    allow_missing: bool,
    full: bool = False,
) -> Reading[JointItem]:
    """The items of archives: their headers are read, and a sample of the items; where parts are read in windows, all.

    Raises:
        BadItemError: for the first archive or item that cannot be used, unless `skip_bad`.
        ValueError: if there is no item.
    """
    skipped, damaged = list[Skipped](), list[Skipped]()
    left_out = skipped if skip_bad else None
    samples = list[Sample]()
    for shard in dict.fromkeys(shards):
        try:
            members = INDICES.of(shard)
        except BadItemError as error:
            if left_out is None:
                raise
            left_out.append(Skipped(error.name, error.reason))
            continue
        found = dict[str, dict[str, Member]]()
        for member in map(members.member, members.in_order()):
            folder, slash, base = member.name.rpartition("/")
            stem, _, ending = base.partition(".")
            if stem and ENDING.fullmatch(ending) and ending.lower() not in KNOWN:
                found.setdefault(folder + slash + stem, {})[ending.lower()] = member
        samples += [Sample(shard, key, files) for key, files in found.items()]
        if members.damage:
            damaged.append(Skipped(str(shard), f"{members.damage}; what is there is read"))
        if members.others:
            reason = f"{members.others} links, devices or sparse files (or names that come twice) in it are not read"
            damaged.append(Skipped(str(shard), reason))
    if not samples:
        raise none_usable(skipped or [Skipped(str(shards[0]), "holds no files")], f"{len(shards)} archives")
    windowed = any(isinstance(one, ReadsWindows) for one in modalities.values())
    counts = [1] * len(samples)
    for number in range(len(samples)) if windowed else evenly(len(samples)):
        try:
            with read_sample(samples[number], modalities, allow_missing, full) as reading:
                counts[number] = len(reading.items)
                damaged += [replace(entry, name=samples[number].name) for entry in reading.damaged]
        except BadItemError as error:
            if left_out is None:
                raise
            left_out.append(Skipped(error.name, error.reason))
            counts[number] = 0
    kept = [number for number, count in enumerate(counts) if count]
    if not kept:
        raise none_usable(skipped, f"{len(samples)} items of archives")
    chosen, windows = [samples[number] for number in kept], [counts[number] for number in kept]
    items = JointShards(modalities, chosen, windows, allow_missing, full)
    return Reading(items, tuple(skipped), tuple(damaged))


def evenly(count: int, most: int = SAMPLE) -> list[int]:
    """At most so many numbers below `count`, evenly, the first and the last among them.

    Example:
        >>> evenly(7, most=3), evenly(2)
        ([0, 3, 6], [0, 1])
    """
    return list(range(count)) if count <= most else [(count - 1) * place // (most - 1) for place in range(most)]

"""Reading joint items from tar archives, where there are any."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...data.items import BadItemError, Skipped
from ...shards.index import INDICES, archives_among
from ...storage.naming import counted
from ...storage.tar_members import Member
from ..base import AbstractModality, Reading
from ..files import below
from ..optional import ReadsWindows
from ..probing import SAMPLE, none_usable
from .item import JointItem
from .items import JointItems
from .reading import read_joint
from .shard_windows import ShardWindows, rows_of
from .shards import JointShards, Sample, read_sample

KNOWN = frozenset(("json", "cls"))
"""Endings of what is known of an item: no part of it."""
ENDING = re.compile(r"[A-Za-z0-9]{1,16}")


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
        found, longer = dict[str, dict[str, Member]](), list[str]()
        for member in map(members.member, members.in_order()):
            folder, slash, base = member.name.rpartition("/")
            stem, _, ending = base.partition(".")
            if stem and ENDING.fullmatch(ending) and ending.lower() not in KNOWN:
                found.setdefault(folder + slash + stem, {})[ending.lower()] = member
            elif stem and "." in ending:
                longer.append(member.name)
        samples += [Sample(shard, key, files) for key, files in found.items()]
        if members.damage:
            damaged.append(Skipped(str(shard), f"{members.damage}; what is there is read"))
        if members.others:
            reason = f"{members.others} links, devices or sparse files (or names that come twice) in it are not read"
            damaged.append(Skipped(str(shard), reason))
        if longer:
            reason = (
                f"{counted(len(longer), 'file')} with more than one ending, such as {longer[0]}, not read: a part is "
                "known by one ending; call it so when the archive is written"
            )
            damaged.append(Skipped(str(shard), reason))
    if not samples:
        nothing = [Skipped(str(shards[0]), "holds no files")]
        raise none_usable(damaged or skipped or nothing, f"{len(shards)} archives")
    windowed = any(isinstance(one, ReadsWindows) for one in modalities.values())
    counts, seen, lacking, having = [1] * len(samples), 0, Counter[str](), dict[int, frozenset[str]]()
    for number in range(len(samples)) if windowed else evenly(len(samples)):
        try:
            with read_sample(samples[number], modalities, allow_missing, full) as reading:
                counts[number] = len(reading.items)
                damaged += [replace(entry, name=samples[number].name) for entry in reading.damaged]
                skipped += [_of_archive(entry, samples[number]) for entry in reading.skipped]
                seen += counts[number]
                joint = rows_of(reading.items)
                assert joint is not None
                lacking += _lacking(joint, modalities)
                having[number] = frozenset().union(*map(joint.may_have, range(len(joint))))
        except BadItemError as error:
            if left_out is None:
                raise
            left_out.append(Skipped(error.name, error.reason))
            counts[number] = 0
    kept = [number for number, count in enumerate(counts) if count]
    if not kept:
        raise none_usable(skipped, f"{len(samples)} items of archives")
    chosen, windows = [samples[number] for number in kept], [counts[number] for number in kept]
    looked_at = counted(seen, "item") + ("" if seen == sum(windows) else " that were looked at")
    remarks = [
        f"{lacking[part]} of {looked_at} without {part}, taken as they are" for part in modalities if lacking[part]
    ]
    had = {place: having[number] for place, number in enumerate(kept) if number in having}
    items = JointShards(modalities, chosen, windows, allow_missing, full, remarks=remarks, having=had)
    return Reading(ShardWindows(items) if windowed else items, tuple(skipped), tuple(damaged))


def _of_archive(entry: Skipped, sample: Sample) -> Skipped:
    """What was left out of an unpacked item, by the name of the item and the ending of the file."""
    return replace(entry, name=f"{sample.name}{Path(entry.name).suffix}")


def _lacking(items: JointItems, parts: Collection[str]) -> Counter[str]:
    """How many of the items of one sample lack each part."""
    there = Counter(part for number in range(len(items)) for part in items.may_have(number))
    return Counter({part: len(items) - there[part] for part in parts})


def evenly(count: int, most: int = SAMPLE) -> list[int]:
    """At most so many numbers below `count`, evenly, the first and the last among them.

    Example:
        >>> evenly(7, most=3), evenly(2)
        ([0, 3, 6], [0, 1])
    """
    return list(range(count)) if count <= most else [(count - 1) * place // (most - 1) for place in range(most)]

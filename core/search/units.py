"""What is indexed at one stroke: the items of one whole in one file, and how one sees that a file has changed."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from ..data.items import AbstractItems, FromFiles, file_of
from ..modality.joint.shard_windows import rows_of
from ..modality.optional import InOverlap, InSequence, ReadsContext
from ..shards.addresses import stamp_of
from ..shards.files import place_of

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class File:
    """A file whose items are indexed: its absolute path, a stamp that changes with it, and the numbers of its items.

    `sources` are what has to be read to have its items again: itself, the files of all parts of joint items, or the
    table that names them.
    """

    path: bytes
    stamp: str
    numbers: tuple[int, ...]
    sources: tuple[bytes, ...]


@final
@dataclass(frozen=True)
class FileState:
    """How far a file is indexed: its stamp when it was read, the items that are there, all that it has, and from what
    they can be read again."""

    stamp: str
    end: int
    items: int
    sources: tuple[bytes, ...]


@final
@dataclass(frozen=True)
class Task:
    """One whole that is to be indexed: its file, the number of its first item within the file, and its items."""

    file: File
    begin: int
    numbers: tuple[int, ...]


def tasks_of(
    items: AbstractItems[Any], states: Mapping[bytes, FileState], table: Path | None = None
) -> tuple[list[Task], Counter[str]]:
    """What of all items is not indexed yet, and how many files are new, changed and unchanged.

    Args:
        items: of all files.
        states: how far files are indexed.
        table: the only path that items were read from, where it is a file: it may name others.

    Raises:
        ValueError: if items do not lie in files.
    """
    tasks, counts = list[Task](), Counter[str]()
    for file in files_of(items, table):
        state = states.get(file.path)
        same = state is not None and (state.stamp, state.items) == (file.stamp, len(file.numbers))
        done = state.end if state is not None and same else 0
        counts["new" if state is None else "unchanged" if done == len(file.numbers) else "changed"] += 1
        begin = 0
        for numbers in wholes_of(items, file.numbers):
            if begin >= done:
                tasks.append(Task(file, begin, tuple(numbers)))
            begin += len(numbers)
    return tasks, counts


def files_of(items: AbstractItems[Any], table: Path | None = None) -> list[File]:
    """The files of all items, in their order.

    Raises:
        ValueError: if items do not lie in files.
    """
    numbers, sources = dict[str, list[int]](), dict[str, dict[str, None]]()
    for index in range(len(items)):
        path = os.path.abspath(file_of(items, index))
        numbers.setdefault(path, []).append(index)
        sources.setdefault(path, {path: None}).update(dict.fromkeys(files_of_parts(items, index)))
    lost = next((path for path in numbers if not os.path.lexists(path)), None)
    if lost is not None and not isinstance(items, FromFiles):  # a file that is gone is missed when it is read
        raise ValueError(
            f"an index is of items that lie in files, and {items.name(numbers[lost][0])!r} names none: pass paths"
        )
    again = None if table is None else (os.fsencode(os.path.abspath(table)),)
    return [
        File(
            os.fsencode(path),
            " ".join(map(file_stamp, sources[path])),
            tuple(own),
            again or tuple(map(os.fsencode, sources[path])),
        )
        for path, own in numbers.items()
    ]


def table_of(paths: Sequence[Path]) -> Path | None:
    """The only path, where it is a file: it may be a table that names the files of its items."""
    return paths[0] if len(paths) == 1 and paths[0].is_file() else None


def wholes_of(items: AbstractItems[Any], numbers: Sequence[int]) -> list[list[int]]:
    """The items of a file, those of one whole together: their objects are found together."""
    found: list[list[int]] = []
    whole: range | None = None
    for number in numbers:
        own = range(number, number + 1)
        # What is read without context is found alone.
        if isinstance(items, ReadsContext) and isinstance(items, InOverlap):
            own = items.overlapping(number)
        elif isinstance(items, InSequence):
            own = items.whole(number)
        if own == whole:
            found[-1].append(number)
        else:
            found.append([number])
        whole = own
    return found


def files_of_parts(items: AbstractItems[Any], index: int) -> list[str]:
    """The files of all parts of a joint item."""
    own = rows_of(items)
    if own is None:
        return []
    of_parts = zip(own.parts.values(), own.rows[index], strict=True)
    return [
        os.path.abspath(part.path(number)) for part, number in of_parts if number >= 0 and isinstance(part, FromFiles)
    ]


def file_stamp(path: str) -> str:
    """The size of a file and when it was written; of a folder that counts as a file, of all in it."""
    if not os.path.isdir(path):
        place = place_of(Path(path))
        try:
            if place is not None:  # of a file in an archive, those of the archive
                return stamp_of(place[0])
            seen = os.stat(path)
        except OSError:  # it is gone: reading it says so
            return "gone"
        return f"{seen.st_size}:{seen.st_mtime_ns}"
    within = sorted(Path(path).rglob("*"))
    lines = (
        f"{one.relative_to(path)}:{one.stat().st_size}:{one.stat().st_mtime_ns}" for one in within if one.is_file()
    )
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:32]

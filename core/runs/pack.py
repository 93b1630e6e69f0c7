"""`gestalt pack`: files that a modality reads, as archives that it reads."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

from ..data.items import AbstractItems, FromFiles, Skipped
from ..methods.targets import Classes, Values
from ..modality.base import AbstractModality
from ..modality.joint.items import JointItems
from ..modality.joint.shard_windows import rows_of
from ..shards.archive import harmless
from ..shards.packing import Record, pack_records
from ..storage.naming import counted
from ..training.label_source import labels_at
from ..training.label_table import Kind
from ..training.labels import Labels

MEGABYTE = 10**6


def pack(
    modality: AbstractModality[Any],
    paths: Sequence[Path],
    out: Path,
    labels: Path | None = None,
    label_column: str | None = None,
    label_kind: Kind = "class",
    shard_size: float = 500.0,
    skip_bad: bool = False,
) -> str:
    """Write the files of all items, and what is known of these, into archives; what was written, in a line.

    Args:
        modality: reads them: what it cannot read is not packed.
        paths: files, folders and archives.
        out: a new folder, or one in which the same call was stopped.
        labels: a table, or the word `folders`: in `.json` of a record (and, of a class, its number in `.cls`).
        label_column: of the table.
        label_kind: classes or values.
        shard_size: most megabytes of an archive.
        skip_bad: leave out what cannot be used.

    Raises:
        BadItemError: for the first file that cannot be used, unless `skip_bad`.
        ValueError: if the items lie in no files, or in files that no record could hold.
        FileExistsError, RuntimeError, OSError: as `pack_records`.
    """
    inside = [path for path in paths if path.is_dir() and out.resolve().is_relative_to(path.resolve())]
    if inside:
        raise ValueError(f"{out} lies in the data, {inside[0]}, and would be read as data later; choose another --out")
    reading = modality.read(paths, skip_bad)
    found = files_of(reading.items)
    known = None
    if labels is not None or label_column is not None:
        known = labels_at(labels, reading.items, label_column, label_kind, reading.skipped, skip_bad)
    archives = pack_records(list(records_of(found, known)), out, max(1, round(shard_size * MEGABYTE)))
    entries: tuple[Skipped, ...] = (*reading.skipped, *reading.damaged)
    said = "".join(f"; {entry.said}" for entry in entries[:5])
    left = f"; left out or damaged: {len(entries)}{said}" if entries else ""
    return f"{counted(len(found), 'record')} in {counted(len(archives), 'archive')} in {out}{left}"


def files_of(items: AbstractItems[Any]) -> dict[tuple[Path, ...], int]:
    """The files of every item, each group once, with the first item that lies in it.

    Raises:
        ValueError: if items lie in no files of their own.
    """
    if not isinstance(items, FromFiles) or not len(items):
        raise ValueError("only items that lie in files can be packed, and these do not; save them first")
    found, rows = dict[tuple[Path, ...], int](), rows_of(items)
    for number in range(len(items)):
        files = tuple(dict.fromkeys((items.path(number),) if rows is None else _parts(rows, number)))
        found.setdefault(files, number)
    for files, number in found.items():
        folder = next((file for file in files if file.is_dir()), None)
        if folder is not None:
            raise ValueError(
                f"{folder} is a folder that counts as one item: save it as one file (a video) and pack that"
            )
        if len({_split(file)[0] for file in files}) > 1 or len({_split(file)[1] for file in files}) < len(files):
            raise ValueError(
                f"{items.name(number)} lies in files of several names ({', '.join(file.name for file in files)}), and "
                "a record is the files of one name: write tables and captions as files beside the others (a.jpg, a.txt)"
            )
    return found


def _parts(items: JointItems, number: int) -> list[Path]:
    every = zip(items.parts.values(), items.rows[number], strict=True)
    return [part.path(row) for part, row in every if row >= 0 and isinstance(part, FromFiles)]


def _split(path: Path) -> tuple[Path, str]:
    """A path without its ending, and that; what is packed once more keeps both."""
    packed = path.suffix.lower() == ".gz"
    ending = f"{Path(path.stem).suffix}{path.suffix}" if packed else path.suffix
    return path.with_name(path.name[: len(path.name) - len(ending)] or "_"), ending.lower()


def records_of(found: Mapping[tuple[Path, ...], int], labels: Labels | None) -> Iterator[Record]:
    """The records, with keys of their own.

    Raises:
        ValueError: for a file without an ending.
    """
    parents = [os.path.dirname(os.path.abspath(files[0])) for files in found]
    common = os.path.commonpath(parents)
    taken = set[str]()
    for (files, number), parent in zip(found.items(), parents, strict=True):
        endings = {_split(file)[1]: file for file in files}
        if "" in endings:
            raise ValueError(f"{endings['']} has no ending, by which files of a record are told; give it one")
        name = _split(files[0])[0].name.replace(".", "_")  # a key ends at its first dot
        folder = PurePosixPath(Path(os.path.relpath(parent, common)).as_posix())
        key = harmless(str(folder / name))
        key = next(other for other in _keys(key, endings) if other not in taken)
        taken.add(key)
        yield Record(key, endings, {} if labels is None else _notes(labels, number))


def _keys(key: str, endings: Iterable[str]) -> Iterator[str]:
    """Keys for a record, the simplest first: files that differ in their endings alone are several records."""
    yield key
    yield f"{key}_{'_'.join(ending.strip('.').replace('.', '_') for ending in endings)}"
    yield from (f"{key}_{number}" for number in count(2))


def _notes(labels: Labels, number: int) -> dict[str, bytes]:
    """What is known of an item, in the files in which WebDataset looks for it."""
    target, known = labels.target, labels.known[number]
    if isinstance(target, Classes):
        own = int(known)
        return {} if own < 0 else {".cls": f"{own}".encode(), ".json": _json(target.names[own])}
    if isinstance(target, Values):
        value = float(known.flatten()[0])
        return {} if value != value else {".json": _json(value)}
    raise ValueError("classes and values are packed; several labels of one item are not: keep their table")


def _json(label: str | float) -> bytes:
    return json.dumps({"label": label}, ensure_ascii=False).encode()

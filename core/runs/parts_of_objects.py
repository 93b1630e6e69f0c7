"""Found objects of items with parts: each part in the formats of its modality, objects with the same numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Full, Queue
from typing import Any, TypeVar

import torch

from ..data.items import AbstractItems
from ..data.parts import segmentation_of
from ..data.places import parts_in
from ..discovery.found import FoundBatch, Named
from ..modality.base import AbstractModality
from ..modality.joint.items import JointItems
from ..modality.joint.shard_windows import rows_of
from ..modality.joint.windows import JointWindows
from ..modality.optional import WritesObjects
from .plain_objects import write_plain_objects

BatchT = TypeVar("BatchT")

AHEAD = 2
"""So many batches wait for each writer."""
PAUSE = 0.5
"""Seconds after which a writer that takes nothing is looked at."""


def write_parts(
    found: Iterable[FoundBatch[Any]],
    modalities: Mapping[str, AbstractModality[Any]],
    items: AbstractItems[Any],
    out: Path,
) -> str:
    """Write a folder for every part; what was written, in a line.

    A part that is the same in all windows of a whole, such as a caption, is written once, as it is in the first.

    All parts are written side by side, each by a thread of its own, so that items are encoded once, and few
    of them are in memory.

    Args:
        found: the objects of all items, a few at a time.
        modalities: of the parts.
        items: those that the joint modality read.
        out: the folder.

    Raises:
        ValueError: if the items are not those of a joint modality.
    """
    rows = rows_of(items)
    if rows is None:
        raise ValueError(f"items with parts are read by their modality, and these are {type(items).__name__}")
    count, objects = 0, 0
    beside = items if isinstance(items, JointWindows) else None

    def counted() -> Iterator[FoundBatch[Any]]:
        nonlocal count, objects
        for batch in found:
            count += len(batch.index)
            objects += sum(len(row[row >= 0].unique()) for row in batch.labels())
            yield batch

    def writer(name: str) -> Callable[[Iterator[FoundBatch[Any]]], str]:
        own = out / name
        own.mkdir()
        return lambda batches: _write_part(batches, name, modalities[name], rows, own, beside)

    said = side_by_side(counted(), [writer(name) for name in modalities if name in rows.parts])
    return f"{objects} objects in {count} items; {'; '.join(said)}"


def side_by_side(found: Iterable[BatchT], writers: Sequence[Callable[[Iterator[BatchT]], str]]) -> list[str]:
    """What every writer says, each of which takes all batches, in its own thread.

    Where a writer fails no further batch is made, and its error is raised.
    """
    queues: list[Queue[BatchT | None]] = [Queue(AHEAD) for _ in writers]
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(write, _taken(queue)) for write, queue in zip(writers, queues, strict=True)]
        try:
            for batch in found:
                if not all(_put(queue, batch, one) for queue, one in zip(queues, running, strict=True)):
                    break
        finally:
            for queue, one in zip(queues, running, strict=True):
                _put(queue, None, one)
        return [one.result() for one in running]


def _put(queue: Queue[BatchT | None], batch: BatchT | None, writer: Future[str]) -> bool:
    """Hand a batch to a writer; whether it still takes any."""
    while not writer.done():
        try:
            queue.put(batch, timeout=PAUSE)
        except Full:
            continue
        return True
    return False


def _taken(queue: Queue[BatchT | None]) -> Iterator[BatchT]:
    while (batch := queue.get()) is not None:
        yield batch


def _write_part(
    batches: Iterator[FoundBatch[Any]],
    name: str,
    modality: AbstractModality[Any],
    items: JointItems,
    out: Path,
    windows: JointWindows | None,
) -> str:
    parts = _each_once(batches, name, items, windows)
    if isinstance(modality, WritesObjects):
        return modality.write_objects(parts, items.parts[name], out)
    return write_plain_objects(parts, modality, items.parts[name], out)


def _each_once(
    batches: Iterator[FoundBatch[Any]], name: str, items: JointItems, windows: JointWindows | None
) -> Iterator[FoundBatch[Any]]:
    """One part of all batches; what is the same in all windows of a whole in the first that was read."""
    last: tuple[int, int] | None = None
    for batch in batches:
        rows = (index for index, item in zip(batch.index, batch.items, strict=True) if name in item.parts)
        for index, one in zip(rows, part_of_batch(batch, name, items), strict=True):
            here = (one.index[0], index if windows is None else windows.whole(index).start)
            if here != last:
                yield one
            last = here


def part_of_batch(batch: FoundBatch[Any], name: str, items: JointItems) -> Iterator[FoundBatch[Any]]:
    """One part of a batch, for the items that have it; nothing where none has."""
    column = list(items.parts).index(name)
    rows = [row for row, item in enumerate(batch.items) if name in item.parts]
    if not rows:
        return
    features, segmentation = batch.features.part(name), segmentation_of(batch.segmentation, name)
    for row in rows:
        one = torch.tensor([row])
        yield FoundBatch(
            (items.rows[batch.index[row]][column],),
            (batch.items[row].parts[name],),
            features.rows(one),
            segmentation.rows(one),
            batch.object_numbers()[one],
            named=_named(batch, name, row),
        )


def _named(batch: FoundBatch[Any], name: str, row: int) -> Named | None:
    """What objects are called, with the scores of one part's elements."""
    if batch.named is None:
        return None
    here = parts_in(batch.features.places).here(name)
    return Named(batch.named.names, batch.named.scores[row : row + 1, here])

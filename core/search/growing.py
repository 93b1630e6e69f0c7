"""An index that grows: what is new or changed is added, a segment at a time, so that a killed call loses little."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from ..data.items import AbstractItems, Skipped
from ..modality.some_items import some_items
from ..shards.files import place_of
from ..storage.own_folders import INDEX
from ..training.lock import locked
from .encodes import Encodes, digest_of, space_of
from .entries import ITEM, OBJECT, entries_of
from .index import Index
from .storage import Manifest
from .units import Task, tasks_of
from .waiting import Waiting

LOCK = ".gestalt-index.lock"
ROWS = 4096
"""So many rows make a segment: no more are in memory before they are written, but for those of one whole."""
SECONDS = 60.0
"""After so long what is there is written: a killed call loses no more."""


@final
@dataclass(frozen=True)
class Growth:
    """What was added: new and changed files, those that were there already, items and objects; and how many files of
    the index are gone, whose rows stay.
    """

    new: int
    changed: int
    unchanged: int
    items: int
    objects: int
    gone: int = 0


def grow(
    folder: Path,
    model: Encodes,
    items: AbstractItems[Any],
    skipped: list[Skipped] | None,
    run: str = "",
    table: Path | None = None,
    done: Callable[[int, int], None] | None = None,
) -> Growth:
    """Add the items of all files that are new, changed, or were not finished; the rows of changed files are replaced.

    A file has changed if its size or the time when it was written has; of a joint item, that of any part.

    Args:
        folder: of the index; made if it is missing.
        model: the finished run.
        items: that the run's modality read.
        skipped: where items that cannot be read are added; None: they are errors. They are tried again when their file
            has changed.
        run: folder of the run, for those who search later.
        table: the only path that the items were read from, where it is a file.
        done: is told how many items are done, and of how many.

    Raises:
        BadItemError: for an item that cannot be read, where `skipped` is None; what was indexed before it stays.
        RuntimeError: if another process is writing to the index.
        ValueError: if the index is that of another run or damaged, or items do not lie in files.
        FileExistsError: if the folder holds something else.
    """
    _refuse_others(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK, f"another process is writing to the index {folder}; wait until it ends"):
        if not (folder / INDEX).is_file():
            Manifest(digest_of(model), model.modality.name, space_of(model), run=run).write(folder)
        index = Index(folder)
        index.check(model)
        tasks, files = tasks_of(items, index.states, table)
        waiting = Waiting(folder, replace(index.manifest, run=run or index.manifest.run))
        added, count = Counter[str](), sum(len(task.numbers) for task in tasks)
        for finished in _added(model, items, tasks, waiting, skipped, added):
            if done is not None:
                done(finished, count)
        waiting.write(len(tasks))
    gone = sum(map(_gone, index.states))
    return Growth(files["new"], files["changed"], files["unchanged"], added[ITEM], added[OBJECT], gone)


def _added(
    model: Encodes,
    items: AbstractItems[Any],
    tasks: list[Task],
    waiting: Waiting,
    skipped: list[Skipped] | None,
    added: Counter[str],
) -> Iterator[int]:
    """Encode what the tasks name and write it; how many items were passed, after every batch."""
    numbers = [number for task in tasks for number in task.numbers]
    owners = [place for place, task in enumerate(tasks) for _ in task.numbers]
    waiting.tasks = tasks
    begun = time.monotonic()
    for batch in model.encoded(some_items(items, numbers), skipped) if numbers else ():
        own = [owners[place] for place in batch.index]
        read = replace(batch, index=tuple(numbers[place] for place in batch.index))
        entries, vectors = entries_of(model, waiting.manifest.space, read, items)
        task_of = dict(zip(read.index, own, strict=True))
        waiting.add([task_of[entry.index] for entry in entries], entries, vectors)
        added.update(entry.of for entry in entries)
        if waiting.rows >= ROWS or time.monotonic() - begun >= SECONDS:
            waiting.write(max(own))  # the whole of that one may go on
            begun = time.monotonic()
        yield max(batch.index) + 1


def _gone(path: bytes) -> bool:
    """Whether a file of the index, or the archive that it lies in, is not there any more."""
    if os.path.lexists(path):
        return False
    place = place_of(Path(os.fsdecode(path)))
    return place is None or not place[0].exists()


def _refuse_others(folder: Path) -> None:
    if not folder.exists() or (folder / INDEX).is_file():
        return
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; choose a folder by --out")
    if any(not one.name.startswith(".") for one in folder.iterdir()):
        raise FileExistsError(f"{folder} holds other files and is no index; choose an empty folder by --out")

"""An archive whose items are encoded in blocks by several workers, and come back in their order."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, final, overload

import numpy as np
from tqdm import tqdm

from ...components.precision import Precision
from ...data.items import AbstractItems, Skipped, read_item
from ...discovery.found import FoundBatch
from ..results import ItemPrediction
from .block import Block, blocks_of
from .engine import AbstractEngine
from .manifest import Manifest
from .part_file import LeftOut, read_part
from .work import Work
from .worker import Failed

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Sharing:
    """How an archive is shared out.

    Attributes:
        engine: who does blocks.
        block: items of a block. So many are computed again where a worker is lost.
    """

    engine: AbstractEngine
    block: int = 1024


@final
@dataclass(frozen=True)
class Shared(Generic[ItemT]):
    """The work of an archive, and who does it.

    Blocks that are done are kept in `work.folder`. When a call is stopped, the next one with the same arguments goes on
    with those that are missing. Once all are done, their records are read in the order of the items, so that whoever
    writes results sees what one process would have encoded.

    Attributes:
        work: what is done with every block.
        engine: who does it.
        size: items of a block.
        together: items that are encoded at once.
    """

    work: Work
    engine: AbstractEngine
    size: int
    together: int

    def seeing(self, finds: bool) -> "Shared[ItemT]":
        """The same without objects, where nobody needs them."""
        return replace(self, work=replace(self.work, finds=finds))

    def found(self, items: AbstractItems[ItemT], skipped: list[Skipped] | None) -> Iterator[FoundBatch[ItemT]]:
        """Features and objects of all items in their order; what was left out is added to `skipped`.

        Raises:
            BadItemError: for an item that cannot be read, where `skipped` is None.
        """
        records = self._records(self.work, items, skipped)
        return (replace(record, items=ReadAgain(items, record.index)) for record in records)

    def predictions(self, items: AbstractItems[ItemT], skipped: list[Skipped] | None) -> Iterator[ItemPrediction]:
        """What the task head says of all items in their order."""
        records = self._records(replace(self.work, answers=True), items, skipped)
        return (one for some in records for one in some)

    def _records(self, work: Work, items: AbstractItems[ItemT], skipped: list[Skipped] | None) -> Iterator[Any]:
        blocks = blocks_of(items, self.size, self.together, wholes=not work.answers)
        self._do(work, items, blocks)
        return self._read([work.part(block) for block in blocks], skipped)

    def _read(self, parts: Sequence[Path], skipped: list[Skipped] | None) -> Iterator[Any]:
        for path in parts:
            for record in read_part(path):
                if not isinstance(record, LeftOut):
                    yield record
                elif skipped is not None:
                    skipped.extend(record.skipped)

    def _do(self, work: Work, items: AbstractItems[ItemT], blocks: tuple[Block, ...]) -> None:
        manifest = Manifest(work.folder, work.identity(items, blocks))
        numbers = manifest.missing([(block.number, work.part(block)) for block in blocks])
        missing = [block for block in blocks if block.number in numbers]
        if manifest.replaced:
            print("blocks of another call, or of files that have changed since, are computed anew", file=sys.stderr)
        elif len(missing) < len(blocks):
            print(f"going on: {len(blocks) - len(missing)} of {len(blocks)} blocks are done", file=sys.stderr)
        if not missing:
            return
        with tqdm(total=len(items), initial=len(items) - sum(len(block.own) for block in missing), unit="item") as bar:
            for done in self.engine.run(work, missing):
                if isinstance(done, Failed):
                    raise done.error
                manifest.add(done)
                numbers.discard(done.number)
                bar.update(len(blocks[done.number].own))
        if numbers:
            raise RuntimeError(
                f"{len(numbers)} of {len(blocks)} blocks were given back by no worker; give the same command again: "
                "it goes on with these"
            )


@final
class ReadAgain(Sequence[ItemT]):
    """Some items that lie in files, each read when somebody asks for it."""

    def __init__(self, items: AbstractItems[ItemT], index: tuple[int, ...]) -> None:
        self._items, self._index = items, index
        self._last: tuple[int, ItemT] | None = None

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, place: int) -> ItemT: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[ItemT]: ...
    def __getitem__(self, place: int | slice) -> ItemT | Sequence[ItemT]:
        """Item `place` of these, or several."""
        if isinstance(place, slice):
            return ReadAgain(self._items, self._index[place])
        number, last = self._index[place], self._last
        if last is None or last[0] != number:
            self._last = last = number, read_item(self._items, number, np.random.default_rng(0))
        return last[1]


def work_on(
    run: Path,
    paths: Sequence[Path],
    skip_bad: bool,
    modality: Any,
    where: tuple[str, Precision],
    full: bool,
    folder: Path,
) -> Work:
    """The work on an archive; paths of the archive stay as they are named, so that items are called the same.

    `where` is the device, and in which precision it computes.
    """
    return Work(
        run=run.resolve(),
        paths=tuple(paths),
        skip_bad=skip_bad,
        modality=modality,
        device=where[0],
        precision=where[1],
        full=full,
        finds=True,
        answers=False,
        directory=Path(os.getcwd()),
        folder=folder.resolve(),
    )

"""Who does blocks: one process, on any machine, which opens run and archive once."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

from ...data.items import AbstractItems, Skipped
from ..model import Model
from ..reading import reading_for
from ..saving import load
from .block import Block
from .part_file import write_part
from .work import Work


@final
@dataclass(frozen=True)
class Written:
    """A block is done: its number, and the size of its part file in bytes."""

    number: int
    size: int


@final
@dataclass(frozen=True)
class Failed:
    """A block cannot be done, by no worker: an item of it is bad, say."""

    number: int
    error: Exception


@final
class Worker:
    """Does one block after the other.

    Args:
        work: what is to be done with each.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self._opened: tuple[Model[Any], AbstractItems[Any]] | None = None

    def __call__(self, block: Block) -> Written | Failed:
        """Do a block; what fails for a reason of its own would fail with every worker, so it is said and not raised."""
        try:
            skipped = list[Skipped]()
            records = self._records(block, skipped)
            return Written(block.number, write_part(self.work.part(block), records, skipped))
        except Exception as error:
            return Failed(block.number, error)

    def _records(self, block: Block, skipped: list[Skipped]) -> Iterator[Any]:
        model, items = self._open(block)
        left_out = skipped if self.work.skip_bad else None
        if self.work.answers:
            yield tuple(model.predictions(items, left_out, block))
            return
        for batch in model.seeing(self.work.finds).encoded(items, left_out, self.work.full, block):
            if batch.index[0] in block.own:
                yield replace(batch, items=())

    def _open(self, block: Block) -> tuple[Model[Any], AbstractItems[Any]]:
        work = self.work
        if self._opened is None:
            os.chdir(work.directory)
            model = load(work.run, work.device, work.modality, work.precision)
            self._opened = model, reading_for(model.modality, work.paths, work.skip_bad, work.full).items
        items = self._opened[1]
        seen = len(items) >= block.last and (items.name(block.first), items.name(block.last - 1))
        if seen != block.names:
            raise ValueError(
                f"the machine {socket.gethostname()} does not see the same files: items {block.first} to "
                f"{block.last - 1} are {' to '.join(block.names)}, and there {' to '.join(seen or ('too few',))}; all "
                "machines read the archive at the same paths, and it must not change meanwhile"
            )
        return self._opened

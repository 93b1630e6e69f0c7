"""What is to be done with every block: all that a worker on another machine has to know."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from ...components.precision import FULL, Precision
from ...data.items import AbstractItems, file_of
from ...modality.base import AbstractModality
from ...search.units import file_stamp, files_of_parts
from ...storage.names_of_runs import CONFIG, WEIGHTS
from .block import Block


@final
@dataclass(frozen=True)
class Work:
    """Encode the items of blocks with a finished run.

    Attributes:
        run: its folder.
        paths: of the archive, as the user named them.
        skip_bad: leave out what cannot be used.
        modality: that of the run, where it is not installed.
        device: where the network runs.
        precision: in which it computes.
        full: items are read at the files' own resolution.
        finds: find objects, where the run says how.
        answers: what the task head says, in place of features and objects.
        directory: which relative paths are relative to.
        folder: where part files are written.
    """

    run: Path
    paths: tuple[Path, ...]
    skip_bad: bool
    modality: AbstractModality[Any] | str | None
    device: str
    precision: Precision
    full: bool
    finds: bool
    answers: bool
    directory: Path
    folder: Path

    def part(self, block: Block) -> Path:
        """The part file of a block."""
        return self.folder / f"block-{block.number:06d}"

    def identity(self, items: AbstractItems[Any], blocks: tuple[Block, ...]) -> str:
        """A digest of everything that part files depend on: the run, the files as they are now, and what is asked.

        On which device it is computed does not count.
        """
        digest = hashlib.sha256()
        named = self.modality if isinstance(self.modality, str) else None if self.modality is None else "given"
        asked = [str(self.run), list(map(str, self.paths)), self.skip_bad, named, self.full, self.finds, self.answers]
        asked += [] if self.precision == FULL else [self.precision]
        ends = [(block.first, block.last, block.begin, block.end) for block in blocks]
        digest.update(json.dumps([asked, ends]).encode())
        for name in (CONFIG, WEIGHTS):
            with (self.run / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        last = ""
        for index in range(len(items)):
            digest.update(f"{items.name(index)}\n".encode(errors="backslashreplace"))
            for path in (file_of(items, index), *files_of_parts(items, index)):
                if path != last:
                    digest.update(file_stamp(path).encode())
                last = path
        return digest.hexdigest()

"""Which blocks of an archive are done: a file of lines that grows, and is read again after a restart."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from .worker import Written

NAME = "manifest.jsonl"


@final
class Manifest:
    """The first line of `manifest.jsonl` says what the work is, every further one that a block is done.

    Args:
        folder: of the part files; what lies there is removed if it is of other work.
        identity: of the work.

    Attributes:
        done: the blocks that are done.
        replaced: blocks of other work lay in the folder.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.path, self.done, self.replaced = folder / NAME, dict[int, Written](), False
        head, *lines = _records(self.path) or [{}]
        if head.get("work") == identity:
            self.done = {one.number: one for one in map(_written, lines) if one is not None}
            kept = [head, *map(asdict, self.done.values())]
        else:
            self.replaced = folder.exists() and any(folder.iterdir())
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            kept = [{"work": identity}]
        self._write(kept, "w")  # without what a kill has cut

    def missing(self, parts: Sequence[tuple[int, Path]]) -> set[int]:
        """The blocks that are not done, or whose part file is gone or of another size."""
        return {
            number
            for number, path in parts
            if number not in self.done or not path.is_file() or path.stat().st_size != self.done[number].size
        }

    def add(self, written: Written) -> None:
        """A block is done: on the disk before the next one is."""
        self.done[written.number] = written
        self._write([asdict(written)], "a")

    def _write(self, records: Sequence[dict[str, Any]], mode: str) -> None:
        with self.path.open(mode, encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
            file.flush()
            os.fsync(file.fileno())


def _records(path: Path) -> list[dict[str, Any]]:
    """The lines up to the first that is none."""
    found = list[dict[str, Any]]()
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                break
    return found


def _written(record: dict[str, Any]) -> Written | None:
    try:
        return Written(int(record["number"]), int(record["size"]))
    except (KeyError, ValueError, TypeError):
        return None

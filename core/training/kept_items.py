"""Items that a run decoded once, kept in a file of its folder until it is over."""

import os
import sqlite3
import time
import warnings
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np
from safetensors import SafetensorError

from ..data.items import AbstractItems, FromFiles
from ..storage.damage import first_line
from ..storage.plain_items import NotPlainError, packed, types_in, unpacked

ItemT = TypeVar("ItemT")

PATIENCE = 60.0
"""Seconds that a process waits for another one that writes."""
WORTH = 0.002
"""Seconds: small items come back from the file in half a millisecond."""
TABLE = "CREATE TABLE IF NOT EXISTS items (number INTEGER PRIMARY KEY, source TEXT NOT NULL, item BLOB NOT NULL)"


@final
class KeptItems(AbstractItems[ItemT], Generic[ItemT]):
    """The same items; what was read once is kept on disk, as it was decoded, and is read from there from then on.

    All processes of a machine share the file. An item is kept if reading it took a while, and drew no random number:
    what lies in memory already, and windows that begin elsewhere every time, are read anew. One whose file has another
    size or time than it had is read anew, too. Where the bound is reached, further items are read as ever; a file that
    cannot be written, or is damaged, is said once, and costs time alone.

    Args:
        items: to read.
        file: where they are kept, a database of SQLite.
        bound: about how many bytes it may have.
        sources: the items as they are, which know their files; None: these.
        worth: seconds that reading an item must take for it to be kept.
    """

    def __init__(
        self,
        items: AbstractItems[ItemT],
        file: Path,
        bound: int,
        sources: AbstractItems[Any] | None = None,
        worth: float = WORTH,
    ) -> None:
        self.items, self.file, self.bound, self.worth = items, file, bound, worth
        self.sources = items if sources is None else sources
        self._known = dict[str, type]()
        self._met, self._keeps = False, True
        self._process = -1
        self._base: sqlite3.Connection | None = None
        self._inherited = list[sqlite3.Connection | None]()

    def __len__(self) -> int:
        return len(self.items)

    def __getstate__(self) -> dict[str, Any]:
        """A connection is one process's own."""
        return self.__dict__ | {"_process": -1, "_base": None, "_inherited": []}

    def name(self, index: int) -> str:
        """That of the item."""
        return self.items.name(index)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """Item `index`, from the file where it is there.

        Raises:
            BadItemError: if the item turns out to be unreadable.
        """
        source = self._source(index)
        kept = self._kept(index, source)
        if kept is not None:
            return kept
        before, began = rng.bit_generator.state, time.perf_counter()
        item = self.items.read(index, rng)
        took = time.perf_counter() - began
        self._met = True
        self._known |= types_in(item)
        if took >= self.worth and rng.bit_generator.state == before:
            self._keep(index, source, item)
        return item

    def close(self) -> None:
        """Let go of the file, which is opened again where it is needed."""
        if self._base is not None and self._process == os.getpid():
            self._base.close()
        self._base, self._process = None, -1

    def _source(self, index: int) -> str:
        """What an item was read from: its name, and the size and time of its file."""
        name = self.items.name(index)
        if not isinstance(self.sources, FromFiles):
            return name
        try:
            found = self.sources.path(index).stat()
        except OSError:  # is named where it is read
            return name
        return f"{name}\n{found.st_size} {found.st_mtime_ns}"

    def _kept(self, index: int, source: str) -> ItemT | None:
        # The first item of a process is read anew: it says of which classes items are made.
        if not self._met or not self._keeps:
            return None
        try:
            found = (
                self._connection()
                .execute("SELECT item FROM items WHERE number = ? AND source = ?", (index, source))
                .fetchone()
            )
            return None if found is None else unpacked(found[0], self._known)
        except KeyError:
            return None
        except (sqlite3.Error, SafetensorError, OSError, ValueError) as error:
            self._stop(error)
            return None

    def _keep(self, index: int, source: str, item: ItemT) -> None:
        if not self._keeps:
            return
        try:
            data = packed(item)
            base = self._connection()
            pages, size = (base.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
            if pages * size + len(data) <= self.bound:
                base.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", (index, source, data))
        except (sqlite3.Error, OSError, NotPlainError) as error:
            self._stop(error)

    def _connection(self) -> sqlite3.Connection:
        """That of this process: one that is inherited from another process must not be used, nor closed."""
        if self._base is None or self._process != os.getpid():
            self._inherited.append(self._base)
            self.file.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(self.file, timeout=PATIENCE, isolation_level=None)
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA synchronous = NORMAL")
            base.execute("PRAGMA trusted_schema = OFF")
            base.execute(TABLE)
            self._base, self._process = base, os.getpid()
        return self._base

    def _stop(self, error: Exception) -> None:
        """Keep nothing from here on, and say why."""
        if self._keeps:
            self._keeps = False
            warnings.warn(
                f"{self.file}: decoded items are not kept any more ({first_line(error)}); the run goes on, and decodes "
                "them every time",
                stacklevel=2,
            )


def remove_kept(file: Path) -> None:
    """Remove a file of kept items, of which all processes have let go."""
    for ending in ("", "-wal", "-shm"):
        path = file.with_name(file.name + ending)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            warnings.warn(
                f"{path} could not be removed ({first_line(error)}): remove it; nothing needs it", stacklevel=2
            )

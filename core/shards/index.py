"""The index of the archives of a folder: packed beside them, or made by one pass over their headers and kept apart."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from ..data.items import BadItemError
from ..storage.atomic import write_bytes
from ..storage.damage import first_line, of_system
from .addresses import address_of, archives_in, forget_sizes, is_archive, opened, stamp_of
from .archive import Archive, key_of, scanned
from .cache import cached_for

INDEX = "gestalt-shards.parquet"
"""Beside packed archives: shard, key, name, offset, size and crc32 of every file."""
KEPT = ".shards.parquet"
"""The ending of the same table of archives that came without one; it lies in the folder for what can be made again."""
SAID = b"gestalt"
"""The entry of the table's own metadata that holds what is known of whole archives."""


@final
class Names:
    """Names in an array of pyarrow, each made a string when it is looked at: millions take little memory."""

    def __init__(self, column: Any) -> None:
        self.column = column

    def __len__(self) -> int:
        return len(self.column)

    def __getitem__(self, number: int) -> str:
        return str(self.column[number].as_py())


@final
class Index:
    """The archives of this process, by folder; every process reads the kept index of a folder once."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, Archive]] = {}

    def of(self, path: Path) -> Archive:
        """What an archive holds.

        Raises:
            BadItemError: if nobody can know: it is no tar archive, or cannot be read.
        """
        known = self._known(path.parent).get(path.name)
        if known is not None and (known.packed or known.stamp == _stamp(path)):
            return known
        found = scanned(path)
        self._known(path.parent)[path.name] = found
        return found

    def below(self, folder: Path) -> tuple[Path, ...]:
        """The archives that the kept index of a folder names, those that are missing too; of a remote one, all of it.

        Raises:
            OSError: if a remote folder without an index cannot be listed.
        """
        kept = tuple(folder / name for name, one in self._known(folder).items() if one.packed)
        return kept if kept or address_of(folder) is None else archives_in(folder)

    def look_into(self, paths: Iterable[Path]) -> None:
        """Know all these archives, and keep what is new of them for the next process."""
        changed = dict[str, Path]()
        for path in paths:
            before = self._known(path.parent).get(path.name)
            try:
                if self.of(path) is not before:
                    changed[str(path.parent)] = path.parent
            except BadItemError:  # named when its turn comes
                continue
        for folder in changed.values():
            keep(folder, self._folders[str(folder)])

    def forget(self) -> None:
        """Read everything anew."""
        self._folders.clear()
        forget_sizes()

    def _known(self, folder: Path) -> dict[str, Archive]:
        if str(folder) not in self._folders:
            self._folders[str(folder)] = dict(kept_in(folder))
        return self._folders[str(folder)]


INDICES = Index()
"""That of this process."""


def _stamp(path: Path) -> str:
    try:
        return stamp_of(path)
    except OSError:
        return "gone"


def kept_in(folder: Path) -> Mapping[str, Archive]:
    """What is known of a folder's archives by their names: its own index, and what earlier passes found.

    Raises:
        ValueError: if its own index is damaged.
    """
    try:
        packed = read_index(folder / INDEX)
    except (FileNotFoundError, NotADirectoryError):
        packed = {}
    except OSError:
        if address_of(folder) is None:
            raise
        packed = {}  # servers have many ways to say that there is none
    if address_of(folder) is not None:
        return packed
    try:
        return {**read_index(cached_for(folder, KEPT)), **packed}
    except (OSError, ValueError):  # none, or a damaged one: it is made again
        return packed


def read_index(path: Path) -> Mapping[str, Archive]:
    """What an index says, by the names of archives.

    Raises:
        ValueError: if it is damaged.
        OSError: if it cannot be opened.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found, first = dict[str, Archive](), 0
    try:
        with opened(path) as file:
            table = pq.read_table(file)
        table.validate(full=True)  # texts are texts: others would be found where they are looked at
        said = json.loads(table.schema.metadata[SAID])
        names = pa.concat_arrays([pa.array([], pa.string()), *table["name"].chunks])
        begins, sizes, sums = (table[name].to_numpy() for name in ("offset", "size", "crc32"))
        for name, one in said["shards"].items():
            own = slice(first, first + one["files"])
            first = own.stop
            found[name] = Archive(
                Names(names.slice(own.start, one["files"])),
                begins[own],
                sizes[own],
                sums[own],
                one["bytes"],
                one["stamp"],
                one["packed"],
                one["others"],
                one["damage"],
            )
    except Exception as error:
        if of_system(error) or (isinstance(error, OSError) and address_of(path) is not None):
            raise  # servers give no numbers
        raise _damaged(path, error) from error
    return found


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path} is damaged ({type(error).__name__}: {first_line(error)}); remove it: what it says is found again "
        "by a pass over the archives, without the check sums"
    )


def keep(folder: Path, archives: Mapping[str, Archive]) -> bool:
    """Keep what is known of the archives that a local folder has no index of; whether it could be written."""
    unpacked = {name: one for name, one in archives.items() if not one.packed}
    if address_of(folder) is not None or not unpacked:
        return False
    try:
        path = cached_for(folder, KEPT)
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # several processes of a training may have made it
        write_bytes(own, table_of(unpacked))
        own.replace(path)
    except OSError:  # nowhere to write to: it is made again next time
        return False
    return True


def table_of(archives: Mapping[str, Archive]) -> bytes:
    """The index as a Parquet file."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    names = sorted(archives)
    said = {
        name: {"files": len(one), "bytes": one.bytes, "stamp": one.stamp}
        | {"packed": one.packed, "others": one.others, "damage": one.damage}
        for name in names
        for one in (archives[name],)
    }
    files = [[archives[name].name(number) for number in range(len(archives[name]))] for name in names]
    flat = [name for own in files for name in own]
    of = [name for name, own in zip(names, files, strict=True) for _ in own]
    columns: dict[str, Any] = {
        "shard": pa.array(of, pa.string()).dictionary_encode(),
        "key": pa.array([key_of(name) for name in flat], pa.string()),
        "name": pa.array(flat, pa.string()),
        "offset": _joined([archives[name].begins for name in names]),
        "size": _joined([archives[name].sizes for name in names]),
        "crc32": _joined([archives[name].sums for name in names]),
    }
    table = pa.table(columns).replace_schema_metadata({SAID: json.dumps({"shards": said})})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(part, dtype=np.int64) for part in parts] or [np.empty(0, dtype=np.int64)])


def archives_among(paths: Iterable[Path]) -> list[Path]:
    """Those of some paths that are archives.

    Example:
        >>> archives_among([Path("a.tar"), Path("b.png")])
        [PosixPath('a.tar')]
    """
    return [path for path in paths if is_archive(path)]

"""What a run was begun on, in a few numbers, so that a change of the data does not go unnoticed when it goes on."""

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import final

from ..storage.atomic import write_text
from ..storage.damage import json_of, read_or_name
from ..storage.listing import listed
from ..storage.names_of_runs import RECORD
from ..storage.naming import counted

SAMPLE = 64
"""Files whose beginning and end are read, evenly over all."""
ENDS = 65_536
"""Bytes of each end."""
SHOWN = 8
"""Paths that are named one by one."""


@final
@dataclass(frozen=True)
class DataRecord:
    """The files under some paths, and how many items they are read as.

    Data that are not files are known by the number of items alone. Where the files lie is no part of it: a data set may
    move, and be named by another path.

    Attributes:
        items: that are trained on.
        files: under the paths, of whatever suffix.
        bytes: of all files.
        names: a digest of the names below the paths, and of the sizes.
        sample: a digest of the first and last bytes of a sample of the files.
        times: a digest of when the files were last changed.
        said: what was found and what was left out, in words; not compared.
    """

    items: int
    files: int
    bytes: int
    names: str
    sample: str
    times: str
    said: str = field(default="", compare=False)

    @classmethod
    def of(cls, paths: Sequence[Path], items: int) -> "DataRecord":
        """The record of data under some paths, none for what are no files; only a sample of them is opened.

        Example:
            >>> import tempfile
            >>> folder = Path(tempfile.mkdtemp())
            >>> _ = (folder / "a.wav").write_bytes(b"12"), (folder / "b.txt").write_bytes(b"3")
            >>> record = DataRecord.of([folder], items=2)
            >>> record.files, record.bytes, record.said.removesuffix(str(folder))
            (2, 3, '2 files (1 .wav, 1 .txt) in ')
        """
        names, times = hashlib.sha256(), hashlib.sha256()
        kinds, files, size, left_out = Counter[str](), list[Path](), 0, list[str]()
        for name, path in _files(paths, left_out):
            try:
                found = path.stat()
            except OSError:  # named when the data are read
                continue
            if not stat.S_ISREG(found.st_mode):  # so is a pipe, which has no end
                continue
            names.update(os.fsencode(f"{name}\0{found.st_size}\0"))
            times.update(f"{found.st_mtime_ns} ".encode())
            kinds[path.suffix.lower() or "without suffix"] += 1
            files.append(path)
            size += found.st_size
        shown = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(5))
        more = ", …" if len(kinds) > 5 else ""
        said = f"{counted(len(files), 'file')} ({shown}{more}) in {_places(paths)}" if paths else ""
        said += f"; left out: {'; '.join(left_out)}" if left_out else ""
        return cls(items, len(files), size, names.hexdigest(), _sample(files), times.hexdigest(), said)

    def write(self, folder: Path) -> None:
        """Write `data.json`."""
        kept = {name: value for name, value in asdict(self).items() if name != "said"}
        write_text(folder / RECORD, json.dumps(kept, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "DataRecord | None":
        """The record that a run keeps; None where it keeps none.

        Raises:
            ValueError: if the file is damaged.
        """
        path = folder / RECORD
        if not path.is_file():
            return None
        return read_or_name(path, lambda _: cls(**json_of(path)), "remove it and resume with --data-changed")

    def changes(self, now: "DataRecord") -> list[str]:
        """What is different now, in words; nothing where at most the times of files are."""
        numbers = (("items", self.items, now.items), ("files", self.files, now.files), ("bytes", self.bytes, now.bytes))
        found = [f"{before} {word} were there and now {after}" for word, before, after in numbers if before != after]
        if self.files == now.files and self.names != now.names:
            found.append("names or sizes of files are others")
        if self.names == now.names and self.sample != now.sample:
            found.append("files of the same names and sizes hold something else")
        return found


def _places(paths: Sequence[Path]) -> str:
    """The paths that the user gave; of many, as a shell makes of `*.wav`, the first.

    Example:
        >>> _places([Path("a"), Path("b")]), _places([Path(f"{number}.wav") for number in range(300)])
        ('a, b', '300 paths, the first 0.wav')
    """
    return ", ".join(map(str, paths)) if len(paths) <= SHOWN else f"{len(paths)} paths, the first {paths[0]}"


def _files(paths: Sequence[Path], left_out: list[str]) -> Iterator[tuple[str, Path]]:
    """All files with their names below the path that the user gave."""
    for number, path in enumerate(paths):
        if not path.is_dir():
            yield f"{number}/{path.name}", path
            continue
        listing = listed(path)
        left_out += [listing.left_out()] if listing.left_out() else []
        for file in listing.paths:
            if not file.is_dir():
                yield f"{number}/{file.relative_to(path).as_posix()}", file


def _sample(files: Sequence[Path]) -> str:
    digest, last = hashlib.sha256(), len(files) - 1
    places = range(len(files)) if last < SAMPLE else (last * number // (SAMPLE - 1) for number in range(SAMPLE))
    for file in (files[place] for place in places):
        try:
            with file.open("rb") as content:
                digest.update(content.read(ENDS))
                content.seek(max(ENDS, os.fstat(content.fileno()).st_size - ENDS))
                digest.update(content.read(ENDS))
        except OSError:  # named when the data are read
            continue
    return digest.hexdigest()

"""Paths as users name them: patterns, lists in a file, standard input."""

import atexit
import glob
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..data.items import BadItemError
from ..data.reasons import reason_of
from ..shards.addresses import address_of
from ..tables.lines import lines_of, split_lines

INPUT = "-"
MAGIC = "*?["
MANY = 1_000_000
"""Paths that a pattern of braces may stand for."""
BRACES = re.compile(r"\{(?:(?P<first>\d+)\.\.(?P<last>\d+)|(?P<listed>[^{},]+(?:,[^{},]*)+))\}")


@runtime_checkable
class ReadsLines(Protocol):
    """A modality whose items may be lines of a text, so that standard input holds items and no paths."""

    @property
    def lines_suffix(self) -> str:
        """The suffix of files of such lines, with its dot."""
        ...


def named_paths(paths: Sequence[Path | str], modality: object = None) -> tuple[Path, ...]:
    """The paths that a user means.

    - What exists is itself.
    - `recordings/**/*.wav`: all that match the pattern, in sorted order; `**` stands for any number of folders.
    - `@list.txt`: the paths in the file, one a line, patterns too; empty lines are none, and of those that begin with
      # those that are no files. A path, or what matches a pattern, that is not there from the working directory is
      looked for beside the list.
    - `shards/{000..099}.tar`, `{a,b}.wav`: every one of these.
    - `s3://bucket/shards`, `https://host/000.tar`: remote archives (`core/shards/`).
    - `-`: standard input. Where items of the modality may be lines (`ReadsLines`), it holds these; otherwise paths.

    Args:
        paths: as they were given.
        modality: whose items they are; None: standard input is left for whoever knows.

    Raises:
        FileNotFoundError: for a list that does not exist, and for a pattern that nothing matches.
        ValueError: for a list, or a standard input, that holds nothing, and for a list that is no text.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b.wav", "a.wav", "c.txt"):
        ...     _ = (folder / name).write_text("")
        >>> [path.name for path in named_paths([folder / "*.wav"])]
        ['a.wav', 'b.wav']
    """
    return tuple(found for path in paths for found in _meant(Path(path), modality))


def braces(text: str) -> list[str]:
    """What braces stand for: a range of numbers with the zeros of its begin, or what stands between commas.

    Raises:
        ValueError: for more than a million paths.

    Example:
        >>> braces("a/{08..10}.tar"), braces("{a,b}{1..2}"), braces("a{b}")
        (['a/08.tar', 'a/09.tar', 'a/10.tar'], ['a1', 'a2', 'b1', 'b2'], ['a{b}'])
    """
    found = BRACES.search(text)
    if found is None:
        return [text]
    if found["first"] is None:
        inside = found["listed"].split(",")
    else:
        first, last = int(found["first"]), int(found["last"])
        if abs(last - first) >= MANY:
            raise ValueError(
                f"{text[:80]} stands for {abs(last - first) + 1} paths, and {MANY} are the most; name a folder"
            )
        numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
        inside = [str(number).zfill(len(found["first"])) for number in numbers]
    ends = braces(text[found.end() :])
    if len(inside) * len(ends) > MANY:
        raise ValueError(
            f"{text[:80]} stands for {len(inside) * len(ends)} paths, and {MANY} are the most; name a folder"
        )
    return [f"{text[: found.start()]}{one}{end}" for one in inside for end in ends]


def _meant(path: Path, modality: object) -> Iterator[Path]:
    text = str(path)
    if address_of(path) is not None:
        yield from map(Path, braces(text))
    elif path.exists() or path.is_symlink():
        yield path
    elif (each := braces(text)) != [text]:
        yield from (found for one in each for found in _meant(Path(one), modality))
    elif text == INPUT:
        if modality is None:
            yield path
        elif isinstance(modality, ReadsLines):
            yield _spooled(modality.lines_suffix)
        else:
            yield from _listed(_lines(split_lines(_standard_input()), Path()), Path(), "standard input")
    elif text.startswith("@"):
        folder = Path(text[1:]).parent
        yield from _listed(_lines(_of_list(Path(text[1:])), folder), folder, text[1:])
    elif _is_pattern(text):
        found = _matching(text)
        if not found:
            raise FileNotFoundError(f"nothing matches the pattern {text}; check the spelling and the folder")
        yield from found
    else:
        yield path  # whoever reads it says that it does not exist


def _listed(lines: Sequence[tuple[int, str]], folder: Path, where: str) -> Iterator[Path]:
    if not lines:
        raise ValueError(f"{where} names no paths: one a line is expected")
    for number, line in lines:
        try:
            yield from list(_of_line(line, folder))
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{where}, line {number}: {error}") from error
        except (OSError, ValueError) as error:
            raise ValueError(f"{where}, line {number}: {reason_of(error)}") from error


def _of_line(line: str, folder: Path) -> Iterator[Path]:
    """What a line of a list names, from here or from the folder of the list."""
    path = Path(line)
    if _is_pattern(line) and not path.exists() and not path.is_absolute() and not _matching(line):
        found = _matching(line, folder)
        if found:
            yield from found
            return
    beside = folder / line
    chosen = beside if not path.is_absolute() and not path.exists() and beside.exists() else path
    yield from _meant(chosen, None) if not line.startswith("@") and line != INPUT else (path,)


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in MAGIC)


def _matching(pattern: str, folder: Path = Path()) -> list[Path]:
    """What matches a pattern from a folder, in sorted order."""
    return [folder / name for name in sorted(glob.glob(pattern, root_dir=folder, recursive=True))]


def _lines(lines: Iterable[str], folder: Path) -> list[tuple[int, str]]:
    """Those that say something, with their numbers; a file may be called as a remark begins."""
    told = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in told if line and (not line.startswith("#") or _exists(line, folder))]


def _exists(name: str, folder: Path) -> bool:
    try:
        return Path(name).exists() or (folder / name).exists()
    except (OSError, ValueError):  # a long remark is no name
        return False


def _of_list(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"the list {path} does not exist; @{path} stands for the paths in that file")
    try:
        return [line.text for line in lines_of(path)]
    except BadItemError as error:
        raise ValueError(f"the list {path} is no text in UTF-8 or UTF-16; it names one path a line") from error


@lru_cache(maxsize=1)
def _standard_input() -> str:
    text = sys.stdin.read()
    if not text.strip():
        raise ValueError("standard input holds nothing; - stands for what is piped into the command")
    return text


@lru_cache(maxsize=1)
def _spooled(suffix: str) -> Path:
    """Standard input as a file, a piece at a time in memory: it is read more than once, and by other processes."""
    folder = Path(tempfile.mkdtemp(prefix="gestalt-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / f"stdin{suffix}"
    source: Any = getattr(sys.stdin, "buffer", None)
    with path.open("wb") as file:
        if source is None:
            file.write(sys.stdin.read().encode())
        else:
            shutil.copyfileobj(source, file)
    if path.stat().st_size == 0:
        raise ValueError("standard input holds nothing; - stands for what is piped into the command")
    return path

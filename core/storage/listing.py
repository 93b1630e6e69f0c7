"""What lies in a tree of folders: every link to a folder is followed once, and what is left out is counted."""

import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from .naming import counted
from .own_folders import is_own

SYSTEM = frozenset({"$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found", "@eaDir", "#recycle"})
"""Folders that systems make for themselves, beside those whose name begins with a dot."""


POINTERS = {
    b"version https://git-lfs.github.com/spec/": "is a pointer of Git LFS to a file that was not fetched: git lfs pull",
    b"/annex/objects/": "is a pointer of git-annex to a file that was not fetched: git annex get",
}
"""How files begin that stand for others."""
MOST_POINTER = 1024
"""Bytes of the largest one."""


@final
@dataclass(frozen=True)
class Listing:
    """A tree of folders.

    Attributes:
        paths: all files and folders, sorted, the folders that may not be read and links that lead nowhere among them.
        hidden: how many files and folders of other programs were left out.
        own: how many folders were left out because this package wrote them.
        again: how many links were left out because they lead to a folder that is listed anyway.
    """

    paths: tuple[Path, ...]
    hidden: int = 0
    own: int = 0
    again: int = 0

    def left_out(self) -> str:
        """What was left out, in words; nothing where nothing was.

        Example:
            >>> Listing((), hidden=2, again=1).left_out()
            '2 hidden files or folders, 1 link to a folder that is listed anyway'
        """
        parts = (
            (self.hidden, "hidden file or folder", "hidden files or folders"),
            (self.own, "folder of this package's own outputs", "folders of this package's own outputs"),
            (self.again, "link to a folder that is listed anyway", "links to folders that are listed anyway"),
        )
        return ", ".join(counted(*part) for part in parts if part[0])


def listed(folder: Path) -> Listing:
    """All files and folders in a tree.

    Hidden files and folders, those of systems, and what this package wrote (`own_folders`) are left out; the folder
    itself is searched in any case: it is the one that was asked for. A link to a folder is followed, unless that folder
    is listed under a name of its own or by another link, or the link leads out to a folder that holds this one. Links
    to files are files: two links to one file are two names that a user gave.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()).resolve()
        >>> for name in ("data", "store", ".cache"):
        ...     (folder / name).mkdir()
        >>> (folder / "store" / "a.wav").touch()
        >>> (folder / "data" / "linked").symlink_to(folder / "store")
        >>> [path.name for path in listed(folder / "data").paths], listed(folder).left_out()
        (['linked', 'a.wav'], '1 hidden file or folder, 1 link to a folder that is listed anyway')
    """
    walk = _Walk(folder)
    walk.enter(folder)
    while walk.links:  # folders that are listed under names of their own come first
        link = walk.links.popleft()
        if is_own(link):
            walk.own += 1
        elif walk.is_new(link):
            walk.paths.append(link)
            walk.enter(link)
        else:
            walk.again += 1
    return Listing(tuple(sorted(walk.paths)), walk.hidden, walk.own, walk.again)


@final
class _Walk:
    """What was found so far, and the links that are still to be followed."""

    def __init__(self, folder: Path) -> None:
        self.paths: list[Path] = []
        self.links: deque[Path] = deque()
        self.hidden = self.own = self.again = 0
        self._known: set[tuple[int, int]] = set()
        self._above = {_identity(parent) for parent in Path(os.path.realpath(folder)).parents}
        self.is_new(folder)

    def is_new(self, folder: Path) -> bool:
        """Whether a folder was not met before, under any name."""
        one = _identity(folder)
        if one in self._known or one in self._above:
            return False
        self._known.add(one)
        return True

    def enter(self, folder: Path) -> None:
        """Everything below a folder, without following links to folders."""
        waiting = [folder]
        while waiting:
            links = []
            for entry in _entries(waiting.pop()):
                path = Path(entry.path)
                if entry.name.startswith(".") or entry.name in SYSTEM or entry.name in OURS:
                    self.hidden += entry.name not in OURS
                elif not _is_folder(entry):
                    self.paths.append(path)
                elif entry.is_symlink():
                    links.append(path)
                elif is_own(path):
                    self.own += 1
                elif self.is_new(path):
                    self.paths.append(path)
                    waiting.append(path)
                else:
                    self.again += 1
            self.links.extend(sorted(links))


OURS = frozenset({".gestalt-output.json", ".gestalt-output.lock", "gestalt-shards.parquet"})
"""Files of this package that are no data, of which nobody need hear: hidden ones, and the index of archives."""


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """What lies in a folder; nothing where it may not be read: then `obstacle` says so."""
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _identity(folder: Path) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def obstacle(path: Path) -> str | None:
    """Why a file or folder cannot be read at all; None if nothing is known to be in the way.

    Example:
        >>> import tempfile
        >>> link = Path(tempfile.mkdtemp()) / "a.wav"
        >>> link.symlink_to("gone.wav")
        >>> obstacle(link), obstacle(link.parent)
        ('is a link to gone.wav, which is not there', None)
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return f"is a link to {os.readlink(path)}, which is not there" if path.is_symlink() else "is not there"
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"
    if stat.S_ISDIR(found.st_mode):
        try:
            os.scandir(path).close()
        except OSError as error:
            return f"is a folder that cannot be listed ({error.strerror or error})"
        return None
    if not stat.S_ISREG(found.st_mode):
        return "is a pipe, a socket or a device, not a file"
    if not os.access(path, os.R_OK):
        return "may not be read (Permission denied)"
    return _pointer(path) if 0 < found.st_size <= MOST_POINTER else None


def _pointer(path: Path) -> str | None:
    """What stands for a file that was not fetched, and how it is."""
    try:
        with path.open("rb") as file:
            begin = file.read(max(map(len, POINTERS)))
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"
    return next((said for mark, said in POINTERS.items() if begin.startswith(mark)), None)


def refuse_inputs_in(folder: Path, inputs: Sequence[Path]) -> None:
    """Refuse a folder for results that holds what is read: results beside data are read as data the next time.

    Raises:
        ValueError: naming the first input that lies there.
    """
    here = folder.resolve()
    for path in inputs:
        place = path.resolve()
        if here == place or here in place.parents:
            raise ValueError(
                f"{path} is to be read and lies in {folder}, where results are to be written; "
                "choose another folder by --out"
            )

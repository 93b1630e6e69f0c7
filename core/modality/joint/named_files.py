"""Files that a table or a file of captions names, and the tables that lie in a folder of the user's."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import final

from ...storage.listing import listed

MOST = 16
"""So many files of a folder are looked into, to see whether one says what belongs together."""


@final
class NamedFiles:
    """Files by what a table calls them: relative to it, or to the folders that are named beside it.

    Args:
        table: the file that names others.
        folders: the folders that are named beside it.
    """

    def __init__(self, table: Path, folders: Sequence[Path] = ()) -> None:
        self.table, self.folders = table, folders

    def find(self, name: str) -> Path | None:
        r"""The file or folder that is called `name`, perhaps as Windows writes it (`pictures\a.jpg`), or with letters
        that are composed or not; None for none.
        """
        if not name or len(name) > 1024 or "\n" in name:
            return None
        forms = (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
        for one in dict.fromkeys((*forms, *(form.replace("\\", "/") for form in forms))):
            for folder in (self.table.parent, *self.folders):
                try:
                    if (folder / one).exists():
                        return folder / one
                except (OSError, ValueError):
                    return None
        return None

    def find_below(self, name: str) -> Path | None:
        """As `find`, or the file of that name anywhere below; of several the one whose folders are those of the name.

        Raises:
            ValueError: if several files may be it.
        """
        found = self.find(name)
        if found is not None:
            return found
        own = name.replace("\\", "/").removeprefix("./")
        there = self._by_name.get(Path(own).name, [])
        fitting = [path for path in there if path.as_posix().endswith(f"/{own}")] or there
        if len({path.resolve() for path in fitting}) > 1:
            raise ValueError(f"fits both {fitting[0]} and {fitting[1]}: write more of the path as its file_name")
        return fitting[0] if fitting else None

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found = dict[str, list[Path]]()
        for folder in self.folders or [self.table.parent]:
            for path in listed(folder).paths if folder.is_dir() else (folder,):
                found.setdefault(path.name, []).append(path)
        return found


def among(paths: Sequence[Path], endings: frozenset[str], is_one: Callable[[Path], bool]) -> list[Path]:
    """The files of a kind that are named, or, if none is, those that lie in the folders that are named.

    In a folder, a file beside another one of its name belongs to that, and is none.

    Args:
        paths: of the user's.
        endings: of the kind.
        is_one: whether a file is of the kind.
    """
    named = [path for path in paths if path.suffix.lower() in endings and is_one(path)]
    if named:
        return named
    likely = [file for folder in paths if folder.is_dir() for file in _alone(folder, endings)]
    return [file for file in likely[:MOST] if is_one(file)]


def _alone(folder: Path, endings: frozenset[str]) -> Iterator[Path]:
    files = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    counts = Counter(file.stem for file in files)
    yield from (file for file in files if file.suffix.lower() in endings and counts[file.stem] == 1)

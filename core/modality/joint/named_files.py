"""Files that a table or a file of captions names, and the tables that lie in a folder of the user's."""

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
        r"""The file or folder that is called `name`, perhaps as Windows writes it (`pictures\a.jpg`); None for none."""
        if not name or len(name) > 1024 or "\n" in name:
            return None
        for one in dict.fromkeys((name, name.replace("\\", "/"))):
            for folder in (self.table.parent, *self.folders):
                try:
                    if (folder / one).exists():
                        return folder / one
                except (OSError, ValueError):
                    return None
        return None

    def find_below(self, name: str) -> Path | None:
        """As `find`, or a file of that name anywhere below; of several the first."""
        return self.find(name) or self._by_name.get(Path(name.replace("\\", "/")).name)

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        found = dict[str, Path]()
        for folder in self.folders or [self.table.parent]:
            for path in listed(folder).paths if folder.is_dir() else (folder,):
                found.setdefault(path.name, path)
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

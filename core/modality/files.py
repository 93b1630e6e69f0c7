"""Items that are files: found in folders, a sample of them loaded at once, each read whenever its turn comes."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, final

import numpy as np

from ..data.items import AbstractItems, BadItemError, Skipped
from ..data.reasons import reason_of
from ..shards.addresses import address_of, is_archive
from ..shards.files import at_hand, files_in, place_of
from ..shards.index import INDICES, archives_among
from ..storage.listing import listed, obstacle
from .base import Reading
from .probing import none_usable, probe, sample

ItemT = TypeVar("ItemT")

ADVICE = "fix it, remove it, or leave it out with --skip-bad"


def find_files(
    paths: Sequence[Path], suffixes: Collection[str], kind: str = "files", refused: Collection[str] = ()
) -> list[Path]:
    """The files among `paths` and, with one of the `suffixes`, in the folder trees among them: sorted, each once.

    A file that is named is taken whatever its suffix; an archive is a folder of its files (`core/shards/`). Below a
    folder, hidden files, runs and what this package wrote are no data, and links to folders are followed once, see
    `listing.listed`. What may hold data but cannot be opened (links that lead nowhere, folders that may not be read,
    torn archives) is among the files: `probe` names it, or leaves it out.

    Args:
        paths: files and folders.
        suffixes: lower-case endings with their dot, such as `.npy`.
        kind: what one calls the files, for messages.
        refused: further suffixes, of files that are found to be named or left out, and never read.

    Raises:
        FileNotFoundError: for a path that does not exist.
        ValueError: if there is no such file at all.
    """
    found, wanted = list[Path](), {*suffixes, *refused}
    for path, files in all_below(paths):
        found += [file for file in files if file == path or file.suffix.lower() in wanted or may_hide_data(file)]
    found = [file for file in _each_once(found) if not file.is_dir() or obstacle(file)]
    if not found:
        places = ", ".join(map(str, paths)) or "an empty list of paths"
        raise ValueError(f"no {kind} in {places}; name files, or folders with any of {' '.join(sorted(suffixes))}")
    return found


def all_below(paths: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Path]]]:
    """Paths of the user's, each with everything in its tree; in the place of an archive, the files in it.

    Raises:
        FileNotFoundError: for a path that does not exist.
    """
    trees = [(path, below(path)) for path in paths]
    INDICES.look_into(archive for _, tree in trees for archive in archives_among(tree))
    for path, tree in trees:
        yield path, [file for one in tree for file in (files_in(one) if is_archive(one) else (one,))]


def below(path: Path) -> tuple[Path, ...]:
    """A path of the user's and, where it is a folder, everything in its tree; archives are files.

    Raises:
        FileNotFoundError: if it does not exist.
    """
    if place_of(path) is not None:
        return (path,)  # a file in an archive; whoever reads it says if it is missing
    if address_of(path) is not None:
        return (path,) if is_archive(path) else INDICES.below(path)
    if not path.exists():
        if is_archive(path) and path in INDICES.below(path.parent):
            return (path,)  # whoever reads it says that it is missing
        there = f"is a link to {path.readlink()}, which does not exist" if path.is_symlink() else "does not exist"
        raise FileNotFoundError(f"{path} {there}; check the spelling, and that the disk is mounted")
    if not path.is_dir():
        return (path,)
    tree = listed(path).paths
    folders = {path, *(archive.parent for archive in archives_among(tree))}
    missing = {archive for folder in folders for archive in INDICES.below(folder)}.difference(tree)
    return (path, *(sorted((*tree, *missing)) if missing else tree))


def may_hide_data(path: Path) -> bool:
    """Whether nobody can know what a path holds: a folder that may not be read, a link to a folder, perhaps, or an
    archive with which something is the matter.
    """
    if is_archive(path):
        return True
    return (path.is_dir() or not path.suffix) and not path.is_file() and obstacle(path) is not None


def _each_once(paths: Sequence[Path]) -> list[Path]:
    """Without those that are named twice, in other words perhaps: `a`, `./a`, `/data/a`."""
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(os.path.abspath(path), path)
    return list(first.values())


def number_of(path: Path, paths: Sequence[Path], kind: str = "files") -> int:
    """The place of a file among `paths`.

    Raises:
        ValueError: if it is not among them; `kind` is what one calls them.
    """
    if path not in paths:
        raise ValueError(f"{path} is not among the {len(paths)} {kind}; name one of `paths`")
    return paths.index(path)


@final
@dataclass(frozen=True)
class Files(AbstractItems[ItemT], Generic[ItemT]):
    """One item per file.

    Whatever `load` raises says what is wrong with the file: it becomes a `BadItemError` that names it.
    """

    paths: tuple[Path, ...]
    load: Callable[[Path], ItemT]

    def __len__(self) -> int:
        return len(self.paths)

    def path(self, index: int) -> Path:
        """File `index`."""
        return self.paths[index]

    def name(self, index: int) -> str:
        """The path of file `index`."""
        return str(self.paths[index])

    def read(self, index: int, rng: np.random.Generator) -> ItemT:  # noqa: ARG002
        """File `index`, loaded anew.

        Raises:
            BadItemError: if it cannot be loaded.
        """
        path = self.paths[index]
        try:
            with at_hand(path) as file:
                if file.is_file() and file.stat().st_size == 0:
                    raise ValueError("the file has no bytes")
                return self.load(file)
        except (BadItemError, ImportError, NameError):  # the last two are mistakes of the loader, not of the file
            raise
        except ValueError as error:
            raise BadItemError(str(path), f"{error}; {ADVICE}") from error
        except Exception as error:
            raise BadItemError(
                str(path), f"cannot be read ({type(error).__name__}: {reason_of(error)}); {ADVICE}"
            ) from error


def read_files(
    paths: Sequence[Path],
    suffixes: Collection[str],
    load: Callable[[Path], ItemT],
    skip_bad: bool = False,
    kind: str = "files",
) -> Reading[ItemT]:
    """One item per file under `paths`; a sample of them (`probing.sample`) is loaded to see that it can be.

    What is bad among the others raises `BadItemError` when its turn comes.

    Args:
        paths: files and folders, see `find_files`.
        suffixes: which files of a folder are meant.
        load: one file as an item; a `ValueError` says what is wrong with the file. A function of a module, so that
            it can travel to worker processes.
        skip_bad: leave out files of the sample that cannot be loaded.
        kind: what one calls the files, for messages.

    Raises:
        BadItemError: for the first file of the sample that cannot be loaded, unless `skip_bad`.
        FileNotFoundError: for a path that does not exist.
        ValueError: if no file is left.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> np.save(folder / "one.npy", np.arange(3))
        >>> read_files([folder], {".npy"}, np.load).items.read(0, np.random.default_rng(0)).tolist()
        [0, 1, 2]
    """
    found = find_files(paths, suffixes, kind)
    loaded = sample(found)

    def examine(path: Path) -> None:
        if path in loaded:
            Files((path,), load).read(0, np.random.default_rng(0))

    skipped: list[Skipped] = []
    good = probe(found, examine, skipped if skip_bad else None)
    if not good:
        raise none_usable(skipped, f"{len(skipped)} {kind}")
    return Reading(Files(tuple(path for path, _ in good), load), tuple(skipped))

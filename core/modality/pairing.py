"""Files that belong to files of the data because they have the same name: masks, tracks, tables of annotations."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, final

from ..data.items import Skipped
from ..storage.listing import listed, obstacle
from ..storage.naming import OutputNames
from ..storage.own_folders import MARKER
from ..storage.plain_names import plain, within_common_folder

ValueT = TypeVar("ValueT")


@final
class NamedFiles:
    """The files of a data set by their names, as other files mention them.

    A name fits a file if it is the file's path or the end of it, with or without the suffix; or if the path is the end
    of the name, since the name may have been written in another working directory. A name that this package gives to
    what it writes for a file (`OutputNames`) fits it, too.

    Args:
        paths: the files.
        skipped: those that were left out.
        folded: names fit whatever their letters, capital or small.

    Example:
        >>> files = NamedFiles([Path("data/may/a.jpg"), Path("data/june/a.jpg"), Path("data/june/b.jpg")])
        >>> files.number("june/a", "masks"), files.number("b.jpg", "masks")
        (1, 2)
    """

    def __init__(self, paths: Sequence[Path], skipped: Sequence[Skipped] = (), folded: bool = False) -> None:
        self.paths = tuple(paths)
        self._fold: Callable[[str], str] = str.casefold if folded else str
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self._own = [Path(self._fold(unicodedata.normalize("NFC", str(path)))) for path in self.paths]
        for number, path in enumerate(self._own):
            for name in {path.name, path.stem}:
                self._numbers[name].append(number)
        written = OutputNames(self.paths)
        names = (self._fold(plain(written.of(path).as_posix())) for path in self.paths)
        self._written = {name: number for number, name in enumerate(names)}
        self._skipped = tuple(Path(unicodedata.normalize("NFC", entry.name)) for entry in skipped)
        self._unused: list[str] = []

    @property
    def unused(self) -> tuple[str, ...]:
        """What `known` was asked of and is no file here: people have masks of more than they read at a time."""
        return tuple(dict.fromkeys(self._unused))

    def known(self, name: str, source: str) -> int | None:
        """As `number`, but None for a name of no file, too, which is then among the `unused`.

        Raises:
            ValueError: if several files have the name.
        """
        found = self._find(name, source)
        if found is None and not self._left_out(name):
            self._unused.append(name)
        return found

    def all_known(self, named: Iterable[tuple[str, str]]) -> dict[str, int | None]:
        """`known` of several names at once, each with its source.

        Where none of them is that of a file, they may be paths of another machine: they are looked for without the
        folders that all of them have in common, and then whatever the letters, capital or small.

        Raises:
            ValueError: if several files have a name.
        """
        sources = dict[str, str]()
        for name, source in named:
            sources.setdefault(name, source)
        known = {name: self.known(name, source) for name, source in sources.items()}
        inside = within_common_folder(sources) if all(number is None for number in known.values()) else {}
        found = {name: self._find(inside[name], sources[name]) if name in inside else None for name in known}
        if all(number is None for number in known.values()) and all(number is None for number in found.values()):
            found = self._whatever_letters(sources)
        if all(number is None for number in found.values()):
            return known
        self._unused = [name for name in self._unused if found.get(name) is None]
        return found

    def _whatever_letters(self, sources: Mapping[str, str]) -> dict[str, int | None]:
        """The files of several names, capital letters or not: some systems do not tell them apart."""
        if len({str(path).casefold() for path in self.paths}) < len(self.paths):
            return dict.fromkeys(sources)
        folded = NamedFiles(self.paths, folded=True)
        return {name: folded._find(name, source) for name, source in sources.items()}

    def refuse_if_none(self, found: Collection[Any], source: str) -> None:
        """Refuse names of which none is that of a file.

        Raises:
            ValueError: if nothing was found, with the first name.
        """
        if not found and self._unused:
            raise self._stranger(self._unused[0], source)

    def number(self, name: str, source: str) -> int | None:
        """The number of the file that `source` calls `name`; None if that file was left out.

        Raises:
            ValueError: if no file has the name, or several have.
        """
        found = self._find(name, source)
        if found is None and not self._left_out(name):
            raise self._stranger(name, source)
        return found

    def _find(self, name: str, source: str) -> int | None:
        wanted = self._fold(plain(name))
        found = [place for place in self._numbers.get(wanted.rpartition("/")[2], ()) if _fits(wanted, self._own[place])]
        if len(found) > 1:
            raise ValueError(
                f"{source} names {name!r}, which fits both {self.paths[found[0]]} and {self.paths[found[1]]}; "
                "write more of the path, or the suffix"
            )
        return found[0] if found else self._written.get(wanted)

    def _left_out(self, name: str) -> bool:
        return any(_fits(plain(name), path) for path in self._skipped)

    def _stranger(self, name: str, source: str) -> ValueError:
        return ValueError(
            f"{source} names {name!r}, which is none of the {len(self.paths)} files of the data; "
            f"these have names such as {str(self.paths[0])!r}"
        )

    def paired(self, named: Iterable[tuple[str, ValueT]], source: Callable[[ValueT], str]) -> dict[int, ValueT]:
        """What is said of each file, by the number of the file.

        What is said of files that were left out is not there, nor what is said of names of no file (`unused`).

        Args:
            named: pairs (name of a file, what is said of it).
            source: what one calls the latter, for messages.

        Raises:
            ValueError: if a name fits several files, no name fits any, or two belong to one file.
        """
        pairs = list(named)
        known = self.all_known([(name, source(value)) for name, value in pairs])
        found: dict[int, ValueT] = {}
        first = ""
        for name, value in pairs:
            number = known[name]
            if number is None:
                first = first or (source(value) if name in self._unused else "")
                continue
            if number in found:
                raise ValueError(
                    f"{source(found[number])} and {source(value)} both belong to {self.paths[number]}; keep one"
                )
            found[number] = value
        self.refuse_if_none(found, first)
        return found


def _fits(name: str, path: Path) -> bool:
    whole, bare = path.as_posix(), path.with_suffix("").as_posix()
    return any(name == own or own.endswith(f"/{name}") or name.endswith(f"/{own}") for own in (whole, bare))


def files_below(folder: Path, suffixes: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """The files in a tree of folders with one of the suffixes, each with its name: its path in the tree without suffix.

    What is hidden is left out, and links to folders are followed once, see `listed`.

    Raises:
        ValueError: for a link that leads nowhere, or what may not be read.
    """
    for path in listed(folder).paths:
        if path.suffix.lower() in suffixes or path.is_dir():
            reason = obstacle(path)
            if reason is not None:
                raise ValueError(f"{path} {reason}; repair the link or the permissions, or remove it")
        if path.is_file() and path.suffix.lower() in suffixes:
            yield path.relative_to(folder).with_suffix("").as_posix(), path


def written_form(path: Path, *forms: str) -> Path:
    """In a folder of what this package found (`gestalt types`, `discover`), the first of these forms of the same masks
    that is there; any other path is itself.
    """
    if path.is_dir() and any((folder / MARKER).is_file() for folder in (path, *path.absolute().parents[:2])):
        return next((path / form for form in forms if (path / form).exists()), path)
    return path


def unreadable_masks(path: Path, accepted: str) -> ValueError:
    """The error for a path that holds no masks of the modality; `accepted` says what does.

    Example:
        >>> unreadable_masks(Path("a.docx"), "a folder of index PNGs")
        ValueError('a.docx holds no masks that can be read here; give a folder of index PNGs')
    """
    return ValueError(f"{path} holds no masks that can be read here; give {accepted}")


def must_exist(path: Path) -> None:
    """Refuse a path of masks that is not there.

    Raises:
        FileNotFoundError: if it does not exist.
    """
    if not path.exists():
        raise FileNotFoundError(f"the masks {path} do not exist; check the spelling, and that the disk is mounted")

"""What a table may call an item: its file, in as many words as it takes, or the item itself."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, final

from ..data.items import AbstractItems, FromFiles
from ..storage.plain_names import plain

PLACE = re.compile(r"\s*[\[:#,(]")
"""Where an item's name stops to name the file and goes on with the place in it."""
NUMBERED = re.compile(r"\s*\[(?:line|record) (\d+)\]")


@final
class ItemNames:
    """The items of a data set by their names as tables have them.

    A name fits an item if it is its own name, its file's, or the end of one, with or without the suffix of the file; or
    if the path of the file is the end of the name, which may have been written elsewhere. The number of a line or
    record behind a colon names what lies there. The longest name that a table has is taken.

    Args:
        items: the data set.
        folded: names fit whatever the letters, capital or small, as where systems do not tell them apart; of keys that
            differ in these alone, there is one.
    """

    def __init__(self, items: AbstractItems[Any], folded: bool = False) -> None:
        self.names = [items.name(index) for index in range(len(items))]
        self.files = [plain(self._file(items, index)) for index in range(len(items))]
        self._fold: Callable[[str], str] = str.casefold if folded else str

    def _file(self, items: AbstractItems[Any], index: int) -> str:
        return str(items.path(index)) if isinstance(items, FromFiles) else file_of_name(self.names[index])

    @property
    def foldable(self) -> bool:
        """Whether no two files differ in capital letters alone."""
        files = set(self.files)
        return len({file.casefold() for file in files}) == len(files)

    def named_by(self, name: str) -> list[int]:
        """The items that a name fits, were it the only one."""
        known = {self._fold(plain(name)): name}
        longer = _ends(known)
        pairs = enumerate(zip(self.names, self.files, strict=True))
        return [index for index, (own, file) in pairs if self._match(own, file, known, longer, "") is not None]

    def found_in(self, keys: Iterable[str], source: str) -> list[str | None]:
        """For every item the key that names it, None for none.

        Raises:
            ValueError: if a key fits two files, or two keys a file; `source` says where the keys are.
        """
        own = {self._fold(plain(key)): key for key in keys}
        known = {NUMBERED.sub(r":\1", name): key for name, key in own.items()} | own
        longer = _ends(known)
        taken_for: dict[str, str] = {}
        found: list[str | None] = []
        for name, file in zip(self.names, self.files, strict=True):
            match = self._match(name, file, known, longer, source)
            if match is None:
                found.append(None)
                continue
            key, of = match
            if taken_for.setdefault(key, of) != of:
                raise ValueError(
                    f"{source} names {key!r}, which fits both {taken_for[key]} and {of}; write more of the path into "
                    "the table"
                )
            found.append(key)
        return found

    def _match(
        self, name: str, file: str, known: Mapping[str, str], longer: Mapping[str, str | None], source: str
    ) -> tuple[str, str] | None:
        """The key for one item, and the file or part of it that it was taken for."""
        own, fold = file, self._fold
        place = plain(name)[len(file) :] if plain(name).startswith(file) else ""
        place, file = fold(place), fold(file)
        bare = str(PurePosixPath(file).with_suffix("")) if PurePosixPath(file).suffix else file
        for behind in _places(place):
            for base in dict.fromkeys((file, bare)):
                for end in _path_ends(base):
                    if end + behind in known:
                        return known[end + behind], own + behind
                if base + behind in longer:
                    key = longer[base + behind]
                    if key is None:
                        raise ValueError(f"{source} has several names that end with {base + behind!r}; keep one")
                    return key, own + behind
            absolute = fold(plain(os.path.abspath(own))) + behind
            if absolute in known:
                return known[absolute], own + behind
        return None


def file_of_name(name: str) -> str:
    """An item's name without the place in the file: up to the end of the first suffix after the last folder."""
    folder, slash, last = name.rpartition("/")
    match = PLACE.search(last)
    return folder + slash + (last[: match.start()] if match else last)


def _places(place: str) -> Iterator[str]:
    """A place in a file in more and fewer words, the most first, nothing last."""
    stops = [len(place), *sorted((match.start() for match in PLACE.finditer(place)), reverse=True)]
    numbered = NUMBERED.match(place)
    for stop in dict.fromkeys(stops):
        if numbered and stop < numbered.end():
            yield f":{numbered[1]}"
            numbered = None
        yield place[:stop]


def _path_ends(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _ends(known: Mapping[str, str]) -> dict[str, str | None]:
    """The keys by the ends of their paths; None for an end that several have."""
    found: dict[str, str | None] = {}
    for path, key in known.items():
        for end in _path_ends(path):
            if end != path and end:
                found[end] = key if end not in found else None
    return found

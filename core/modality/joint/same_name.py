"""Files of one name without its ending: which of them are parts of one item where a part has several of them."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from ...data.items import AbstractItems, Skipped
from ..windows import OnClocks

Holders = Mapping[str, Sequence[str]]
"""Every file of a name, and the parts in time that it has."""


def stem_of(file: str) -> str:
    """A file without its ending, with composed letters: some systems write ü as two.

    Example:
        >>> stem_of("clips/dawn.mp4"), stem_of("u\u0308.png") == "\u00fc"
        ('clips/dawn', True)
    """
    return unicodedata.normalize("NFC", str(Path(file).with_suffix("")))


@final
@dataclass(frozen=True)
class SameName:
    """What belongs together where a part in time has several files of one name.

    A file that has several parts (a video with its sound) is an item of its own; what lies beside it under its name,
    and is none of its parts, is a part of it, too. Another file of a part that it has is not read.

    Attributes:
        items: the files that are items of their own, by their name.
        unread: files that are not read, and why, by the file.
    """

    items: Mapping[str, Sequence[str]]
    unread: Mapping[str, Skipped]

    @classmethod
    def of(cls, parts: Mapping[str, AbstractItems[Any]]) -> "SameName":
        """What belongs together among the files of all parts in time (`OnClocks`)."""
        timed = {name: items for name, items in parts.items() if isinstance(items, OnClocks)}
        names = dict[str, dict[str, list[str]]]()
        for name, items in timed.items():
            for path in items.extents:
                names.setdefault(stem_of(str(path)), {}).setdefault(str(path), []).append(name)
        own, unread = dict[str, Sequence[str]](), dict[str, Skipped]()
        for stem, files in names.items():
            having = [name for several in files.values() for name in several]
            if len(set(having)) < 2 or len(having) == len(set(having)):
                continue  # one part in time, or one file of each
            own[stem] = [file for file, several in files.items() if len(several) > 1]
            unread |= _unread(files, own[stem])
        return cls({stem: several for stem, several in own.items() if several}, unread)

    def keys(self, file: str) -> Sequence[str]:
        """The items whose part a file is, by the names of these: most often its own without the ending."""
        if file in self.unread:
            return ()
        several = self.items.get(stem_of(file))
        return (stem_of(file),) if several is None else (file,) if file in several else several


def _unread(files: Holders, own: Sequence[str]) -> dict[str, Skipped]:
    """The files of parts that another file of the name is already."""
    taken = {name: file for file in own for name in files[file]}
    unread = dict[str, Skipped]()
    for file, several in files.items():
        if file in own:
            continue
        name = several[0]
        other = taken.setdefault(name, file)
        if other != file:
            reason = f"is not read: {Path(other).name}, of the same name, has the {name}; call one of them otherwise"
            unread[file] = Skipped(file, reason)
    return unread

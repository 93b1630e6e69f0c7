"""Names of what is written for the user's files, after those files; and how many there are of something."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import final

LONGEST = 180
"""Bytes of one part of a name; file systems take 255, and endings come on top."""
SAID = 8
"""Lines about files that are printed one by one."""
LONGEST_PATH = 1000
"""Bytes of a whole name; systems take 4096 with the folder that it lies in."""


@final
class OutputNames:
    """Where the output for every input file goes, below the folder of all outputs: `photo.png` → `photo` + ending.

    Names are flat if no two files have the same one. Otherwise the inputs' folders are mirrored, below the folder that
    all inputs have in common. Files that differ in their suffix alone keep it, and a digest of the file's place tells
    those apart that differ in nothing that every file system sees (`A.png`, `a.png`), or whose name is too long.

    A name depends on the set of the files alone, not on their order. It never leads out of the folder; no name is
    another's folder; two paths of one file have one name.

    Args:
        files: all input files, or folders that count as one file.
        ending: of the outputs, such as `.png`; nothing for outputs that are folders.

    Example:
        >>> OutputNames([Path("in/photo.png"), Path("in/b.jpg")], ".png").of(Path("in/photo.png")).as_posix()
        'photo.png'
        >>> names = OutputNames([Path("in/may/a.wav"), Path("in/june/a.wav"), Path("in/june/a.mp3")], ".txt")
        >>> [names.of(Path(file)).as_posix() for file in ("in/may/a.wav", "in/june/a.wav", "in/june/a.mp3")]
        ['may/a.txt', 'june/a.wav.txt', 'june/a.mp3.txt']
    """

    def __init__(self, files: Sequence[Path], ending: str = "") -> None:
        self._absolute = {file: Path(os.path.abspath(file)) for file in files}
        places = _below_common_folder(sorted(set(self._absolute.values())))
        self._names = _assigned(places, ending)

    def of(self, file: Path) -> Path:
        """The name for one of the files, a relative path.

        Raises:
            KeyError: if it is none of them.
        """
        return Path(self._names[self._absolute[file]])


def _below_common_folder(files: Sequence[Path]) -> dict[Path, PurePath]:
    """The place of every file below the folder that all have in common."""
    try:
        common = Path(os.path.commonpath([file.parent for file in files])) if files else Path()
    except ValueError:  # files on several drives have nothing in common
        return {file: PurePath(file.drive.strip(":\\/"), file.relative_to(file.anchor)) for file in files}
    return {file: file.relative_to(common) for file in files}


def _assigned(places: Mapping[Path, PurePath], ending: str) -> dict[Path, PurePath]:
    flat = {file: PurePath(_stem(place.name)) for file, place in places.items()}
    stems = {file: place.with_name(_stem(place.name)) for file, place in places.items()}
    if len({_key(name, ending) for name in flat.values()}) == len(flat):
        stems = flat
    candidates = [
        stems,
        {file: stems[file].with_name(place.name) for file, place in places.items()},
        *({file: _digested(place, length) for file, place in places.items()} for length in (8, 16, 64)),
    ]
    folders = {_key(folder) for name in stems.values() for folder in name.parents}
    names: dict[Path, PurePath] = {}
    taken = set(folders)
    for stage in candidates:
        left = {file: name for file, name in stage.items() if file not in names and _fits(name)}
        keys = Counter(_key(name, ending) for name in left.values())
        good = {file: name for file, name in left.items() if keys[_key(name, ending)] == 1}
        good = {file: name for file, name in good.items() if _key(name, ending) not in taken}
        names |= {file: name.with_name(name.name + ending) for file, name in good.items()}
        taken |= {_key(name, ending) for name in good.values()}
    return names


def _stem(name: str) -> str:
    """The name without its suffix; a name of nothing but dots before it keeps it, as `.` and `..` are folders."""
    stem = PurePath(name).stem
    return stem if stem.strip(". ") else name


def _fits(name: PurePath) -> bool:
    short = all(len(os.fsencode(part)) <= LONGEST for part in name.parts)
    return short and len(os.fsencode(name)) <= LONGEST_PATH


def _digested(place: PurePath, length: int) -> PurePath:
    """The beginning of the name and a digest of the whole place, without folders."""
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:length]
    name = place.name
    while len(os.fsencode(name)) > LONGEST - 1 - length:
        name = name[:-1]
    return PurePath(f"{name}-{digest}")


def _key(name: PurePath, ending: str = "") -> tuple[str, ...]:
    """What file systems see that know no upper case, one form of every letter, and no dots and spaces at the end."""
    parts = name.with_name(name.name + ending).parts if name.name else name.parts
    plain = (unicodedata.normalize("NFD", part).casefold() for part in parts)
    return tuple(unicodedata.normalize("NFC", part).rstrip(". ") for part in plain)


def first_lines(lines: Sequence[str], rest: str) -> list[str]:
    """The first lines, and where there are more than `SAID`, what is said of all.

    Args:
        lines: one for each file.
        rest: what is said of all.

    Example:
        >>> first_lines([f"{number}.wav is cut off" for number in range(20)], "20 files are cut off")[7:]
        ['7.wav is cut off', '20 files are cut off']
    """
    return [*lines[:SAID], *([rest] if len(lines) > SAID else [])]


def counted(count: int, one: str, several: str = "") -> str:
    """So many of a thing, in words that agree.

    Example:
        >>> counted(1, "file"), counted(3, "file"), counted(2, "class", "classes")
        ('1 file', '3 files', '2 classes')
    """
    return f"{count} {one if count == 1 else several or one + 's'}"

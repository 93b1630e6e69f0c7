"""Names of files as other programs and other machines write them."""

import posixpath
import unicodedata
from collections.abc import Iterable

from .csv_file import meant


def plain(name: str) -> str:
    r"""A path as every system and every editor writes it: composed letters, slashes, no detours.

    Example:
        >>> plain("..\\sound\\a.wav"), plain("./b//c.wav"), plain("u\u0308.wav") == "\u00fc.wav"
        ('sound/a.wav', 'b/c.wav', True)
    """
    slashes = unicodedata.normalize("NFC", meant(name.strip())).replace("\\", "/").removeprefix("file://")
    path = posixpath.normpath(slashes) if slashes else ""
    while path.startswith("../"):
        path = path[3:]
    return path


def within_common_folder(names: Iterable[str]) -> dict[str, str]:
    """Names without the folders that all of them begin with, which may be those of another machine.

    Empty where they have no folder in common. Names that are empty are passed over.

    Example:
        >>> within_common_folder(["C:\\\\me\\\\owl\\\\a.wav", "C:\\\\me\\\\frog\\\\b.wav"])
        {'C:\\\\me\\\\owl\\\\a.wav': 'owl/a.wav', 'C:\\\\me\\\\frog\\\\b.wav': 'frog/b.wav'}
        >>> within_common_folder(["a/b.wav", "c.wav"])
        {}
    """
    own = {name: plain(name).lstrip("/") for name in names if name.strip()}
    folders = [posixpath.dirname(path) for path in own.values()]
    common = posixpath.commonpath(folders) if folders and all(folders) else ""
    return {name: path[len(common) + 1 :] for name, path in own.items()} if common else {}

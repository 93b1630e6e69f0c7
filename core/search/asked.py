"""A query as the user says it."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

ALL = -1
"""As the number of an object: every object."""


@final
@dataclass(frozen=True)
class Asked:
    """A query as the user says it: a file, an object of it (None: the whole items), or a part of joint items.

    A text in place of a file is what `text` says.
    """

    path: Path
    object: int | None = None
    part: str | None = None
    text: str | None = None

    @classmethod
    def of(cls, words: str | Path, number: int | None = None, part: str | None = None) -> "Asked":
        """A file, or `FILE#3` for its object 3; a file that has such a name is the file.

        Raises:
            FileNotFoundError: if there is no such file.

        Example:
            >>> Asked.of("nowhere.wav#3")
            Traceback (most recent call last):
            FileNotFoundError: nowhere.wav#3 does not exist: a query is a file, or FILE#3 for its object 3
        """
        path, (stem, mark, tail) = Path(words), str(words).rpartition("#")
        if not path.exists() and mark and tail.isdecimal() and Path(stem).exists():
            return cls(Path(stem), int(tail), part)
        if not path.exists():
            raise FileNotFoundError(f"{words} does not exist: a query is a file, or FILE#3 for its object 3")
        return cls(path, number, part)

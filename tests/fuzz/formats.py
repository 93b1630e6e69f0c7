"""Every format that the package opens, each with a small valid file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final


@final
@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: how tests call it.
        files: the valid files by their paths below a folder.
        read: opens what lies at a path, all of it; the flag says whether what is bad may be left out.
        main: what is opened, below the folder; "." is the folder itself.
        mutated: which of the files are changed; by default the one that is opened.
        is_text: made of lines of text.
        ours: written by this package alone: it has no other ending, and an error may name its folder.
        bound: seconds of processor time that one may take.
    """

    name: str
    files: Callable[[], Mapping[str, bytes]]
    read: Callable[[Path, bool], object]
    main: str
    mutated: tuple[str, ...] = ()
    is_text: bool = False
    ours: bool = False
    bound: float = 10.0

    @cached_property
    def content(self) -> Mapping[str, bytes]:
        """The valid files, made once."""
        return self.files()

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that are changed."""
        return self.mutated or (self.main,)


def written(name: str, write: Callable[[Path], object]) -> bytes:
    """The bytes that something writes to a file of that name."""
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(path)
        return path.read_bytes()

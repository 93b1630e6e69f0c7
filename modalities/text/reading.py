"""Text files as numbered items, read one at a time."""

import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import final

import numpy as np

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import find_files

from .data import Passage
from .source import SUFFIXES, Place, Source


@final
class TextFiles(AbstractItems[Passage]):
    """The lines, windows or records of files; only the one asked for is ever in memory."""

    def __init__(self, sources: Sequence[Source], places: Sequence[Sequence[Place]]) -> None:
        if len(sources) != len(places):
            raise ValueError(f"every file needs its places, got {len(sources)} files and {len(places)} lists of places")
        self.sources = tuple(sources)
        # Numbers in one array per file: a list of objects would take ten times the memory of a large corpus.
        self._places = tuple(
            np.array([(p.begin, p.end, p.first, p.last, p.start, p.line) for p in row], dtype=np.int64).reshape(-1, 6)
            for row in places
        )
        self._ends = tuple(accumulate(map(len, self._places)))

    def __len__(self) -> int:
        """Items of all files together."""
        return self._ends[-1] if self._ends else 0

    def _place(self, index: int) -> tuple[Source, Place]:
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        file = bisect.bisect_right(self._ends, index)
        row = self._places[file][index - (self._ends[file - 1] if file else 0)]
        return self.sources[file], Place(*row.tolist())

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(source.path for source in self.sources)

    def path(self, index: int) -> Path:
        """The file of an item."""
        return self._place(index)[0].path

    def line(self, index: int) -> int:
        """The line, from 1, on which an item begins."""
        return self._place(index)[1].line

    def name(self, index: int) -> str:
        """The file, the line on which the item begins, and its first character in the file (in the field)."""
        source, place = self._place(index)
        return f"{source.path}:{place.line} [from character {place.start}]"

    def items(self, path: Path) -> range:
        """The numbers of one file's items, in order.

        Raises:
            ValueError: if the file is not among these.
        """
        if path not in self.paths:
            raise ValueError(f"{path} is not among the {len(self.paths)} files; name one of `paths`")
        file = self.paths.index(path)
        return range(self._ends[file - 1] if file else 0, self._ends[file])

    def read(self, index: int, rng: np.random.Generator) -> Passage:  # noqa: ARG002
        """One item; nothing is random.

        Raises:
            BadItemError: if the file was changed since it was indexed.
        """
        source, place = self._place(index)
        text = source.text(place)
        if not text.strip():
            raise BadItemError(self.name(index), "is empty now: the file was changed while it was read; run again")
        return Passage.of(text, place.start)


def read_text(
    paths: Sequence[Path], field: str = "text", window: int = 128, lines: bool = True, skip_bad: bool = False
) -> Reading[Passage]:
    """Index every file and give the items of the good ones.

    Raises:
        BadItemError: for the first file or record that cannot be used, unless `skip_bad`.
        ValueError: if no file is left.
    """
    sources: list[Source] = []
    places: list[list[Place]] = []
    skipped: list[Skipped] = []
    for path in find_files(paths, SUFFIXES, "text"):
        source = Source(path, field, window, lines)
        try:
            found = source.places(skipped if skip_bad else None)
        except BadItemError as error:
            if not skip_bad:
                raise
            skipped.append(Skipped(error.name, error.reason))
            continue
        if found:
            sources.append(source)
            places.append(found)
    if not sources:
        first = skipped[0]
        raise ValueError(f"none of the text files can be used; the first, {first.name}: {first.reason}")
    return Reading(TextFiles(sources, places), tuple(skipped))


def each_passage(files: TextFiles, path: Path) -> Iterator[Passage]:
    """The items of one file in order, one in memory at a time; `start` tells each one's place."""
    rng = np.random.default_rng(0)
    for index in files.items(path):
        yield files.read(index, rng)

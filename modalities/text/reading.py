"""Text files as numbered items, read one at a time."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Int

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import find_files, number_of
from gestalt.core.modality.probing import none_usable, probe
from gestalt.core.modality.windows import InContext, Sight, WindowIndex

from .data import Passage
from .formats import REFUSED, SUFFIXES
from .source import Place, Source, joined


@final
class TextFiles(AbstractItems[Passage]):
    """The lines, windows or records of files; only the one asked for is ever in memory.

    Args:
        sources: the files.
        places: where the items of each file lie.
        margin: words before and behind a window that the network sees beside it, where its line, its record, or a text
            whose lines are joined has so many.
    """

    def __init__(self, sources: Sequence[Source], places: Sequence[Sequence[Place]], margin: int = 0) -> None:
        if len(sources) != len(places):
            raise ValueError(f"every file needs its places, got {len(sources)} files and {len(places)} lists of places")
        self.sources = tuple(sources)
        self.margin = margin
        # Numbers in one array per file: a list of objects would take ten times the memory of a large corpus.
        self._places = tuple(
            np.array([(p.begin, p.end, p.first, p.last, p.start, p.line) for p in row], dtype=np.int64).reshape(-1, 6)
            for row in places
        )
        self._index = WindowIndex(map(len, self._places), "item")
        texts = [_texts(source, place) for source, place in zip(self.sources, self._places, strict=True)]
        self._firsts = tuple(np.searchsorted(text, text, "left") for text in texts)
        self._lasts = tuple(np.searchsorted(text, text, "right") - 1 for text in texts)

    def __len__(self) -> int:
        """Items of all files together."""
        return len(self._index)

    def _place(self, index: int) -> tuple[Source, Place]:
        file, row = self._index.place(index)
        return self.sources[file], self._at(file, row)

    def _at(self, file: int, row: int) -> Place:
        return Place(*self._places[file][row].tolist())

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(source.path for source in self.sources)

    def place(self, index: int) -> tuple[int, int]:
        """The number of the file of an item, and that of the item in it."""
        return self._index.place(index)

    def path(self, index: int) -> Path:
        """The file of an item."""
        return self._place(index)[0].path

    def line(self, index: int) -> int:
        """The line, from 1, on which an item begins."""
        return self._place(index)[1].line

    def whole(self, index: int) -> range:
        """The windows of the line, the record, or the text of joined lines that an item is one of."""
        file, row = self._index.place(index)
        first = self._index.of_file(file)[0]
        return range(first + int(self._firsts[file][row]), first + int(self._lasts[file][row]) + 1)

    def name(self, index: int) -> str:
        """The file, and the line on which the item begins; of several windows of a text also its first character."""
        source, place = self._place(index)
        alone = len(self.whole(index)) == 1
        return f"{source.path}:{place.line}" + ("" if alone else f" [from character {place.start}]")

    def items(self, path: Path) -> range:
        """The numbers of one file's items, in order.

        Raises:
            ValueError: if the file is not among these.
        """
        return self._index.of_file(number_of(path, self.paths))

    def read(self, index: int, rng: np.random.Generator) -> Passage:  # noqa: ARG002
        """One item; nothing is random.

        Raises:
            BadItemError: if the file was changed since it was indexed.
        """
        source, place = self._place(index)
        return self._passage(index, source, place)

    def read_in_context(self, index: int, sight: Sight) -> InContext[Passage]:
        """One item with up to `margin` words on either side, of the same line, record or joined text.

        Raises:
            BadItemError: if the file was changed since it was indexed.
        """
        (file, row), whole = self._index.place(index), self.whole(index)
        base = self._index.of_file(file)[0]
        own, first, last = self._at(file, row), row, row
        spare = self.margin if math.isinf(sight.longest) else min(self.margin, max(0, int(sight.longest)))
        while True:
            wide = self._passage(index, self.sources[file], joined([self._at(file, first), self._at(file, last)]))
            begins = [begin for begin, _ in wide.spans]
            begin, end = bisect_left(begins, own.start), bisect_left(begins, own.start + own.last - own.first)
            before = begin < spare and base + first > whole[0]
            after = len(begins) - end < spare and base + last < whole[-1]
            if not before and not after:
                break
            first, last = first - before, last + after
        if begin == end:
            raise BadItemError(self.name(index), "is empty now: the file was changed while it was read; run again")
        seen = range(max(0, begin - spare), min(len(begins), end + spare))
        own_words = torch.arange(begin - seen.start, end - seen.start)
        return InContext(wide.part(begin, end), wide.part(seen.start, seen.stop), own_words)

    def between(self, index: int) -> str:
        """The white space between an item and the one before it in its text.

        Raises:
            BadItemError: if the file was changed since it was indexed.
        """
        file, row = self._index.place(index)
        here = self._at(file, row)
        both = self._passage(index, self.sources[file], joined([self._at(file, row - 1), here]))
        return both.gaps[bisect_left([begin for begin, _ in both.spans], here.start)]

    def _passage(self, index: int, source: Source, place: Place) -> Passage:
        found = source.passage(place)
        if found is None:
            raise BadItemError(self.name(index), "is empty now: the file was changed while it was read; run again")
        return found

    def fields(self, index: int) -> Mapping[str, str]:
        """What the record of an item says, by name: its other fields or columns; nothing for plain text."""
        source, place = self._place(index)
        return source.fields(place)


def _texts(source: Source, places: Int[np.ndarray, "places 6"]) -> Int[np.ndarray, " places"]:
    """The number of the text that each place is a window of: of its record, its line, or all lines together."""
    if source.in_records:
        return places[:, 0]
    return places[:, 5] if source.lines else np.zeros(len(places), dtype=np.int64)


def read_text(
    paths: Sequence[Path],
    field: str = "text",
    window: int = 128,
    lines: bool = True,
    skip_bad: bool = False,
    encoding: str | None = None,
    margin: int = 0,
) -> Reading[Passage]:
    """Index every file and give the items of the good ones.

    Files in folders that hold text in a form that is not read are among what was left out, with the reason.

    Raises:
        BadItemError: for the first file or record that cannot be used, unless `skip_bad`.
        ValueError: if no file is left.
    """
    skipped: list[Skipped] = []
    left_out = skipped if skip_bad else None

    def examine(path: Path) -> tuple[Source, list[Place]]:
        source = Source(path, field, window, lines, encoding)
        return source, source.places(left_out)

    listed = find_files(paths, SUFFIXES, "text", REFUSED.keys())
    other = [path for path in listed if path.suffix.lower() in REFUSED and path not in paths]
    skipped += [Skipped(str(path), REFUSED[path.suffix.lower()]) for path in other]
    probed = probe([path for path in listed if path not in other], examine, left_out)
    good = [(source, places) for _, (source, places) in probed if places]
    if not good:
        raise none_usable(skipped, "the text files")
    return Reading(TextFiles([source for source, _ in good], [places for _, places in good], margin), tuple(skipped))


def each_passage(files: TextFiles, path: Path) -> Iterator[Passage]:
    """The items of one file in order, one in memory at a time; `start` is each one's place."""
    rng = np.random.default_rng(0)
    for index in files.items(path):
        yield files.read(index, rng)

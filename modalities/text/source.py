"""Where the items of a text file lie: found in one pass, line by line, whatever its size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import final

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.shards.files import bytes_of, open_file
from gestalt.core.tables.encoding import Encoding
from gestalt.core.tables.lines import Line, lines_of, text_encoding

from .borders import window_ends
from .data import Passage
from .formats import format_of
from .record_format import AbstractRecordFormat, TextRecord

ADVICE = "fix it, remove it, or leave it out with --skip-bad"


@final
@dataclass(frozen=True)
class Place:
    """Where an item lies: bytes `begin` … `end` of its file hold it.

    Of what these bytes say (their text, the field of a record), it is the characters `first` … `last`; `start` counts
    the characters of the file (of the field) before it. `line` is its first line, from 1; in an array of JSON, which
    may have but one, the number of its record.
    """

    begin: int
    end: int
    first: int
    last: int
    start: int
    line: int


@final
@dataclass(frozen=True)
class Source:
    """A text file and how to read it.

    Args:
        path: plain text, or records: JSON Lines, an array of JSON, a table, CoNLL's columns.
        field: the field of a record, or the column of a table, that holds the text.
        window: most words per item.
        lines: every line of plain text is an item; otherwise lines are joined into windows.
        encoding: of a file that is not in Unicode.
    """

    path: Path
    field: str
    window: int
    lines: bool
    encoding: str | None = None

    @cached_property
    def format(self) -> AbstractRecordFormat | None:
        """How its records are written; None for plain text."""
        return format_of(self.path, self.field, self.encoding)

    @property
    def in_records(self) -> bool:
        """Whether it holds records: characters are counted anew in each."""
        return self.format is not None

    @cached_property
    def _text_encoding(self) -> Encoding:
        return text_encoding(self.path, self.encoding)

    def places(self, skipped: list[Skipped] | None) -> list[Place]:
        """All items of the file; records that are bad are added to `skipped`, or raised where it is None.

        Raises:
            BadItemError: if the file is empty, binary, in an encoding that is not known, or has no words (in records
                that are not bad).
        """
        before = len(skipped or ())
        if bytes_of(self.path) == 0:
            raise BadItemError(str(self.path), f"the file has no bytes; write it again, {ADVICE}")
        if self.format is None:
            found = list(self._plain())
        else:
            found = [place for record in self.format.records() for place in self._of_record(record, skipped)]
        if not found and len(skipped or ()) == before:
            raise BadItemError(str(self.path), f"holds no words; {ADVICE}")
        return found

    def passage(self, place: Place) -> Passage | None:
        """One item; None where there is no word any more.

        Raises:
            BadItemError: if the file was changed since it was indexed.
        """
        text = self._bytes(place)
        try:
            if self.format is not None:
                return self.format.passage(text, place.first, place.last)
        except ValueError as error:
            raise BadItemError(f"{self.path}:{place.line}", f"{error}: changed while it was read; run again") from error
        part = text[place.first : place.last]
        return Passage.of(part, place.start) if part.strip() else None

    def fields(self, place: Place) -> Mapping[str, str]:
        """What the record of an item says, by name; nothing for plain text."""
        return {} if self.format is None else self.format.fields(self._bytes(place))

    def _bytes(self, place: Place) -> str:
        with open_file(self.path) as file:
            file.seek(place.begin)
            content = file.read(place.end - place.begin)
        try:
            return content.decode(self._text_encoding.name)
        except UnicodeDecodeError as error:
            raise BadItemError(
                f"{self.path}:{place.line}", f"changed while it was read ({error}); run again"
            ) from error

    def _plain(self) -> Iterator[Place]:
        waiting: list[Place] = []
        waiting_words = 0
        for line in lines_of(self.path, self.encoding):
            if not line.text.strip():
                continue
            passage = Passage.of(line.text)
            cuts = _cuts(passage, self.window)
            words = len(passage.words) if not self.lines and len(cuts) == 1 else self.window
            if waiting and (self.lines or waiting_words + words > self.window):
                yield joined(waiting)
                waiting, waiting_words = [], 0
            for first, last in cuts:
                place = self._at(line, first, last)
                if self.lines or len(cuts) > 1:
                    yield place
                else:
                    waiting.append(place)
                    waiting_words += words
        if waiting:
            yield joined(waiting)

    def _at(self, line: Line, first: int, last: int) -> Place:
        """Characters of a line, by their own bytes: a book may be one line."""
        encoding = self._text_encoding.name
        begin = line.begin + len(line.text[:first].encode(encoding))
        size = len(line.text[first:last].encode(encoding))
        return Place(begin, begin + size, 0, last - first, line.start + first, line.number)

    def _of_record(self, record: TextRecord, skipped: list[Skipped] | None) -> list[Place]:
        try:
            if record.problem:
                raise ValueError(record.problem)
            passage = None if self.format is None else self.format.passage(record.text)
        except ValueError as error:
            bad = BadItemError(f"{self.path}:{record.number}", f"{error}; {ADVICE}")
            if skipped is None:
                raise bad from error
            skipped.append(Skipped(bad.name, bad.reason))
            return []
        cuts = [] if passage is None else _cuts(passage, self.window)
        return [Place(record.begin, record.end, first, last, first, record.number) for first, last in cuts]


def _cuts(passage: Passage, window: int) -> list[tuple[int, int]]:
    """First and last character of the windows of at most `window` words; a text of one window goes without its ends."""
    edges = passage.spans
    ends = window_ends(passage.words, window)
    return [(edges[first][0], edges[last - 1][1]) for first, last in pairwise([0, *ends])]


def joined(places: Sequence[Place]) -> Place:
    """Places in a row as one, of lines or of one record; what lies between them belongs to it."""
    one, last = places[0], places[-1]
    if (one.begin, one.end) == (last.begin, last.end):
        return replace(one, last=last.last)
    length = last.start + last.last - one.start
    return Place(one.begin, last.end, 0, length, one.start, one.line)

"""Where the items of a text file lie: found in one pass, line by line, whatever its size."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import final

from gestalt.core.data.items import BadItemError, Skipped

from .borders import window_ends
from .words import split

PLAIN = frozenset((".txt", ".text", ".md", ".rst"))
JSON = frozenset((".jsonl", ".ndjson"))
TABLE = frozenset((".csv", ".tsv"))
RECORDS = JSON | TABLE
SUFFIXES = PLAIN | RECORDS

ADVICE = "remove it, or leave it out with --skip-bad"
BOM = b"\xef\xbb\xbf"
CLOSING = re.compile(r'(?:[^"]|"")*+"')
"""The rest of a quoted cell, in which a quote is doubled."""


@final
@dataclass(frozen=True)
class Place:
    """Where an item lies: bytes `begin` … `end` of its file hold it.

    Of what these bytes say (their text, the field of a record), it is the characters `first` … `last`; `start` counts
    the characters of the file (of the field) before it. `line` is its first line, from 1.
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
        path: plain text, JSON Lines (`.jsonl`, `.ndjson`) or a table (`.csv`, `.tsv`).
        field: the field of a record, or the column of a table, that holds the text.
        window: most words per item.
        lines: every line of plain text is an item; otherwise lines are joined into windows.
    """

    path: Path
    field: str
    window: int
    lines: bool

    def places(self, skipped: list[Skipped] | None) -> list[Place]:
        """All items of the file; records that are bad are added to `skipped`, or raised where it is None.

        Raises:
            BadItemError: if the file is empty, binary, not in UTF-8, or has no words (in records that are not bad).
        """
        before = len(skipped or ())
        if self.path.stat().st_size == 0:
            raise BadItemError(str(self.path), f"the file has no bytes; write it again, {ADVICE}")
        if self.path.suffix.lower() in RECORDS:
            header = self._header()
            records = self._records("" if header is None else header[1])
            found = [place for record in records for place in self._of_record(record, header, skipped)]
        else:
            found = list(self._plain())
        if not found and len(skipped or ()) == before:
            raise BadItemError(str(self.path), f"holds no words; {ADVICE}")
        return found

    def text(self, place: Place) -> str:
        """The characters of one item.

        Raises:
            BadItemError: if the file was changed since it was indexed.
        """
        with self.path.open("rb") as file:
            file.seek(place.begin)
            content = file.read(place.end - place.begin)
        try:
            return self._value(content.decode(), place.line, self._header())[place.first : place.last]
        except UnicodeDecodeError as error:
            raise BadItemError(
                f"{self.path}:{place.line}", f"changed while it was read ({error}); run again"
            ) from error

    def _plain(self) -> Iterator[Place]:
        waiting: list[Place] = []
        waiting_words = 0
        for begin, line, number, start in _lines(self.path):
            cuts = _cuts(line, self.window)
            if not cuts:
                continue
            words = len(split(line)[0]) if not self.lines and len(cuts) == 1 else self.window
            if waiting and (self.lines or waiting_words + words > self.window):
                yield joined(waiting)
                waiting, waiting_words = [], 0
            for first, last in cuts:
                at = begin + len(line[:first].encode())
                size = len(line[first:last].encode())
                place = Place(at, at + size, 0, last - first, start + first, number)
                if self.lines or len(cuts) > 1:
                    yield place
                else:
                    waiting.append(place)
                    waiting_words += words
        if waiting:
            yield joined(waiting)

    def _records(self, delimiter: str) -> Iterator[tuple[int, str, int]]:
        """Byte, text and line number of every record; `delimiter` stands between the cells of a table."""
        if self.path.suffix.lower() in JSON:
            yield from ((begin, line, number) for begin, line, number, _ in _lines(self.path) if line.strip())
            return
        parts: list[str] = []
        begin, number, quoted = 0, 1, False
        for at, line, here, _ in _lines(self.path):
            begin, number = (begin, number) if parts else (at, here)
            parts.append(line)
            quoted = _in_quotes(line, delimiter, quoted)
            if not quoted:
                if number > 1 and "".join(parts).strip():
                    yield begin, "".join(parts), number
                parts = []
        if parts:
            raise BadItemError(f"{self.path}:{number}", f"a quoted cell begins here and never ends; fix it, {ADVICE}")

    def _of_record(
        self, record: tuple[int, str, int], header: tuple[int, str] | None, skipped: list[Skipped] | None
    ) -> list[Place]:
        begin, text, line = record
        try:
            value = self._value(text, line, header)
        except BadItemError as error:
            if skipped is None:
                raise
            skipped.append(Skipped(error.name, error.reason))
            return []
        end = begin + len(text.encode())
        return [Place(begin, end, first, last, first, line) for first, last in _cuts(value, self.window)]

    def _value(self, text: str, line: int, header: tuple[int, str] | None) -> str:
        """What the bytes of a place say: themselves, or the text of a record."""
        name = f"{self.path}:{line}"
        if self.path.suffix.lower() in JSON:
            try:
                record = json.loads(text)
            except ValueError as error:
                raise BadItemError(name, f"is no JSON ({error}); write one object per line, {ADVICE}") from error
            if not isinstance(record, dict) or self.field not in record:
                known = ", ".join(map(str, record)) if isinstance(record, dict) else type(record).__name__
                raise BadItemError(name, f"has no field {self.field!r}, it has {known}; name the field of the text")
            value = record[self.field]
            if not isinstance(value, str):
                raise BadItemError(
                    name, f"the field {self.field!r} must hold text, got {type(value).__name__}; {ADVICE}"
                )
            return value
        if header is not None:
            column, delimiter = header
            try:
                cells = _cells(text, delimiter)
            except csv.Error as error:
                raise BadItemError(name, f"is no line of a table ({error}); fix it, {ADVICE}") from error
            if len(cells) <= column:
                raise BadItemError(name, f"has {len(cells)} cells, the text is in the {column + 1}th; fix it, {ADVICE}")
            return cells[column]
        return text

    def _header(self) -> tuple[int, str] | None:
        """Of a table, the number of the column that holds the text, and the character between cells."""
        if self.path.suffix.lower() not in TABLE:
            return None
        header = next(_lines(self.path))[1]
        delimiters = ("\t",) if self.path.suffix.lower() == ".tsv" else (",", ";", "\t", "|")
        for delimiter in delimiters:
            names = [name.strip() for name in _cells(header, delimiter)]
            if self.field in names:
                return names.index(self.field), delimiter
        raise BadItemError(
            f"{self.path}:1", f"has no column {self.field!r}, its first line is {header.strip()!r}; name the column"
        )


def _lines(path: Path) -> Iterator[tuple[int, str, int, int]]:
    """Byte, text with its line break, number and first character of every line; a byte order mark counts as nothing.

    Raises:
        BadItemError: at the first line that is not in UTF-8, or holds a zero byte as binary files do.
    """
    begin = start = 0
    with path.open("rb") as file:
        for number, content in enumerate(file, start=1):
            if number == 1 and content.startswith(BOM):
                begin, content = len(BOM), content[len(BOM) :]
            name = f"{path}:{number}"
            if number == 1 and content.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise BadItemError(name, f"is in UTF-16; convert it to UTF-8, {ADVICE}")
            if b"\0" in content:
                raise BadItemError(name, f"holds zero bytes: the file is binary, not text; {ADVICE}")
            try:
                line = content.decode()
            except UnicodeDecodeError as error:
                place = f"byte {error.start + 1} of the line is {content[error.start]:#04x}"
                raise BadItemError(name, f"is not in UTF-8 ({place}); convert the file, {ADVICE}") from error
            yield begin, line, number, start
            begin += len(content)
            start += len(line)


def _cuts(text: str, window: int) -> list[tuple[int, int]]:
    """First and last character of the windows of at most `window` words; a text of one window goes without its ends."""
    if not text.strip():
        return []
    words, gaps = split(text)
    edges = [0]
    for gap, word in zip(gaps, words, strict=False):
        edges.append(edges[-1] + len(gap) + len(word))
    ends = window_ends(words, window)
    return [(edges[first] + len(gaps[first]), edges[last]) for first, last in pairwise([0, *ends])]


def joined(places: Sequence[Place]) -> Place:
    """Places in a row as one, of lines or of one record; what lies between them belongs to it."""
    one, last = places[0], places[-1]
    if (one.begin, one.end) == (last.begin, last.end):
        return replace(one, last=last.last)
    length = last.start + last.last - one.start
    return Place(one.begin, last.end, 0, length, one.start, one.line)


def _in_quotes(line: str, delimiter: str, inside: bool) -> bool:
    """Whether a quoted cell is still open behind a line, and runs on in the next one.

    A quote opens a cell only as its first character, as the csv library has it: `6" pipe` is a cell like any other.

    Example:
        >>> _in_quotes('1,"an open cell', ",", False), _in_quotes('1,a 6" pipe', ",", False)
        (True, False)
        >>> _in_quotes('goes on, says ""no"" and ends",2', ",", True)
        False
    """
    place = 0
    while True:
        if inside:
            closing = CLOSING.match(line, place)
            if closing is None:
                return True
            place = closing.end()
        opening = re.compile(rf'(?:^|{re.escape(delimiter)})"').search(line, place)
        if opening is None:
            return False
        place, inside = opening.end(), True


def _cells(line: str, delimiter: str) -> list[str]:
    csv.field_size_limit(2**31 - 1)  # whole texts in a cell are longer than the library's default of 128 KiB
    return next(csv.reader([line], delimiter=delimiter), [])

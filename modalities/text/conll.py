"""Sentences in CoNLL's columns, a word on every line, as texts to learn from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import final

from gestalt.core.tables.lines import Line, lines_of, split_lines

from .columns import cells_of
from .data import Passage
from .record_format import AbstractRecordFormat, TextRecord

HEAD = 500
"""Lines that tell in which column the words are."""
FIELDS = 10
"""Columns of CoNLL-U; the last says whether a space follows the word."""

EMPTY_NODE = "0.1"
"""The number of a node without a word before the first word of a sentence."""


@final
@dataclass(frozen=True)
class Conll(AbstractRecordFormat):
    """The sentences between empty lines; their words stay as they are cut there.

    Args:
        path: the file.
        encoding: of a file that is not in Unicode.
        column: the number of the column that holds the words.
    """

    path: Path
    encoding: str | None
    column: int

    @classmethod
    def of(cls, path: Path, encoding: str | None) -> "Conll":
        """A file whose words are in the first column; in the second, where the first numbers them (CoNLL-U, CoNLL-X);
        in the fourth, behind `#begin document` (CoNLL-2012).
        """
        for line in islice(lines_of(path, encoding), HEAD):
            if line.text.startswith("#begin document"):
                return cls(path, encoding, 3)
            if line.text.strip() and not line.text.startswith(("# ", "#\t", "-DOCSTART-")):
                cells = cells_of(line.text)
                first = cells[0].partition("-")[0] == "1" or (len(cells) == FIELDS and cells[0] == EMPTY_NODE)
                return cls(path, encoding, int(len(cells) > 1 and first))
        return cls(path, encoding, 0)

    def records(self) -> Iterator[TextRecord]:
        """The sentences; comments before one belong to it."""
        waiting: list[Line] = []
        for line in lines_of(self.path, self.encoding):
            if line.text.strip():
                waiting.append(line)
            elif waiting:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)

    def passage(self, text: str, first: int = 0, last: int | None = None) -> Passage | None:
        """The words, with a space between two of them unless the file says that there is none."""
        words, spaces = self._words(text)
        if not words:
            return None
        gaps = ("", *(" " if space else "" for space in spaces[:-1]), "")
        whole = Passage(tuple(words), gaps)
        if not first and last is None:
            return whole
        inside = [place for place, (begin, end) in enumerate(whole.spans) if begin >= first and end <= (last or 0)]
        return whole.part(inside[0], inside[-1] + 1) if inside else None

    def fields(self, text: str) -> Mapping[str, str]:
        """The comments of a sentence that give something a name (`# sent_id = …`)."""
        pairs = (line[1:].partition("=") for line in split_lines(text) if line.startswith("#"))
        return {name.strip(): value.strip() for name, equals, value in pairs if equals}

    def _words(self, text: str) -> tuple[list[str], list[bool]]:
        words, spaces, covered = list[str](), list[bool](), 0
        for line in split_lines(text):
            cells = cells_of(line)
            if not line.strip() or cells[0] == "-DOCSTART-" or self._comment(line, cells):
                continue
            if len(cells) <= self.column or not cells[self.column].strip():
                raise ValueError(f"has a line without a word in column {self.column + 1}: {line[:60]!r}")
            number = cells[0] if self.column == 1 else ""
            if "." in number or (number.isdecimal() and int(number) <= covered):
                continue  # an empty node; a word that the token before it holds
            if "-" in number:
                end = number.rpartition("-")[2]
                covered = int(end) if end.isdecimal() else covered
            words.append(" ".join(cells[self.column].split()))
            spaces.append(not (len(cells) == FIELDS and "SpaceAfter=No" in cells[-1]))
        return words, spaces

    def _comment(self, line: str, cells: list[str]) -> bool:
        """Whether a line is a remark and not the word `#` with its columns."""
        if not line.startswith("#"):
            return False
        return self.column > 0 or ("\t" not in line and (len(cells) == 1 or "=" in line))


def _joined(lines: list[Line]) -> TextRecord:
    return TextRecord(lines[0].begin, lines[-1].end, lines[0].number, "".join(line.text for line in lines))

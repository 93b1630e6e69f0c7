"""Where the items of a part lie: in which file, and at which place in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from ...data.items import AbstractItems, FromRecords, file_of, record_of
from ..optional import InSequence

Key = tuple[str, str]
"""Where an item lies: a file without its ending, and the place in it."""


@final
@dataclass(frozen=True)
class Places:
    """The places of all items of one part.

    Attributes:
        numbers: the number of every item by its place.
        counts: how many items every file has, by the file without its ending.
        firsts: the number of the first item of every file.
        lines: of parts that are read from columns and lines, the first item of every line of files that hold no
            records, by the file.
    """

    numbers: Mapping[Key, int]
    counts: Mapping[str, int]
    firsts: Mapping[str, int]
    lines: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, items: AbstractItems[Any], in_lines: bool) -> "Places":
        """Those of some items; whether a file holds records is asked of its first item alone."""
        numbers, counts, firsts = dict[Key, int](), dict[str, int](), dict[str, int]()
        lines, records = dict[str, list[int]](), dict[str, bool]()
        for number in range(len(items)):
            file = file_of(items, number)
            if file not in records:
                records[file] = isinstance(items, FromRecords) and bool(items.fields(number))
            stem = str(Path(file).with_suffix(""))
            place = counts.get(stem, 0)
            counts[stem] = place + 1
            firsts.setdefault(stem, number)
            numbers[stem, record_of(items, number) if records[file] else str(place)] = number
            if (
                in_lines
                and not records[file]
                and (not isinstance(items, InSequence) or items.whole(number)[0] == number)
            ):
                lines.setdefault(stem, []).append(number)
        return cls(numbers, counts, firsts, lines)

    def cut(self, stem: str) -> bool:
        """Whether a line of a file is longer than an item."""
        return self.counts[stem] > len(self.lines[stem])

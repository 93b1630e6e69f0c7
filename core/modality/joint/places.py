"""Where the items of a part lie: in which file, and at which place in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from ...data.items import AbstractItems, FromRecords, file_of, record_of
from ..optional import InSequence
from .same_name import SameName

Key = tuple[str, str]
"""Where an item lies: its file by one of `SameName.keys`, and the place in it."""


@final
@dataclass(frozen=True)
class Places:
    """The places of all items of one part.

    Attributes:
        numbers: the number of every item by its place: the line of its record, or its number in the file.
        counts: how many items every file has, by its key.
        firsts: the number of the first item of every file.
        lines: of parts that are read from columns and lines, the first item of every line of files that hold no
            records, by the file.
        longer: the numbers of records that are longer than an item, of which `numbers` has the first item.
    """

    numbers: Mapping[Key, int]
    counts: Mapping[str, int]
    firsts: Mapping[str, int]
    lines: Mapping[str, Sequence[int]]
    longer: Sequence[int]

    @classmethod
    def of(cls, items: AbstractItems[Any], in_lines: bool, same: SameName) -> "Places":
        """Those of some items; whether a file holds records is asked of its first item alone.

        Args:
            items: of the part.
            in_lines: whether it is read from columns and lines.
            same: which files belong together.
        """
        numbers, counts, firsts = dict[Key, int](), dict[str, int](), dict[str, int]()
        lines, records = dict[str, list[int]](), dict[str, bool]()
        longer = dict[int, None]()
        for number in range(len(items)):
            file = file_of(items, number)
            if file not in records:
                records[file] = isinstance(items, FromRecords) and bool(items.fields(number))
            for key in same.keys(file):
                place = counts.get(key, 0)
                counts[key] = place + 1
                firsts.setdefault(key, number)
                first = numbers.setdefault(
                    (key, line_in(record_of(items, number)) if records[file] else str(place)), number
                )
                if first != number:
                    longer[first] = None
                if (
                    in_lines
                    and not records[file]
                    and (not isinstance(items, InSequence) or items.whole(number)[0] == number)
                ):
                    lines.setdefault(key, []).append(number)
        return cls(numbers, counts, firsts, lines, tuple(longer))

    def cut(self, stem: str) -> bool:
        """Whether a line of a file is longer than an item."""
        return self.counts[stem] > len(self.lines[stem])


def line_in(record: str) -> str:
    """The number of the line, or of the record, at which a record lies, as every modality says it in its own words.

    Example:
        >>> line_in("line 12"), line_in("12"), line_in("12 [from character 900]")
        ('12', '12', '12')
    """
    told = re.search(r"\d+", record)
    return record if told is None else told[0]

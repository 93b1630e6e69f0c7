"""A query as the user says it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import final

ALL = -1
"""As the number of an object: every object."""
FORMS = "a query is a file, or FILE#3 for its object 3, FILE:7 or FILE [line 7] for a record of it"
BEHIND = re.compile(r":|\s?\[|, ")
"""What stands between a file and a record of it, in the names of items."""


@final
@dataclass(frozen=True)
class Asked:
    """A query as the user says it: a file, an object of it (None: the whole items), or a part of joint items.

    A text in place of a file is what `text` says. Of a file that holds several items, `record` names one.
    """

    path: Path
    object: int | None = None
    part: str | None = None
    text: str | None = None
    record: str | None = None

    @classmethod
    def of(cls, words: str | Path, number: int | None = None, part: str | None = None) -> "Asked":
        """A file, `FILE#3` for its object 3, or the name of an item in it; a file that has such a name is the file.

        Raises:
            FileNotFoundError: if there is no such file.

        Example:
            >>> Asked.of("nowhere.wav#3")
            Traceback (most recent call last):
            FileNotFoundError: nowhere.wav#3 does not exist: a query is a file, or FILE#3 for its object 3, FILE:7 ...
        """
        rest, (stem, mark, tail) = str(words), str(words).rpartition("#")
        if not Path(rest).exists() and mark and tail.isdecimal():
            rest, number = stem, int(tail)
        if Path(rest).exists():
            return cls(Path(rest), number, part)
        for place in reversed(list(BEHIND.finditer(rest))):
            record = rest[place.end() :].removesuffix("]")
            if place.start() and record and Path(rest[: place.start()]).is_file():
                return cls(Path(rest[: place.start()]), number, part, record=record)
        raise FileNotFoundError(f"{words} does not exist: {FORMS}")

    def is_record(self, record: str) -> bool:
        """Whether this record of the file is asked for; its number is enough.

        Example:
            >>> one = Asked(Path("a.smi"), record="7")
            >>> one.is_record("line 7"), one.is_record("7 [from character 40]"), one.is_record("17")
            (True, True, False)
        """
        if self.record is None:
            return True
        return self.record in (record, record.partition(" [")[0], re.sub(r"^(line|record) ", "", record))

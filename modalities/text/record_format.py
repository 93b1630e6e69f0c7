"""Files of text that hold records: where each lies, and what it says."""

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

from .data import Passage


@final
@dataclass(frozen=True)
class TextRecord:
    """Bytes `begin` … `end` of a file, which hold record (or begin on line) `number`; or what is the matter there."""

    begin: int
    end: int
    number: int
    text: str
    problem: str = ""


class AbstractRecordFormat(abc.ABC):
    """How the records of one file are written."""

    @abc.abstractmethod
    def records(self) -> Iterator[TextRecord]:
        """All records, one in memory at a time.

        Raises:
            BadItemError: if the file cannot be read as what its name says.
        """

    @abc.abstractmethod
    def passage(self, text: str, first: int = 0, last: int | None = None) -> Passage | None:
        """What a record says, from one character to another; None if there is no word in it.

        Raises:
            ValueError: saying what is wrong with the record.
        """

    @abc.abstractmethod
    def fields(self, text: str) -> Mapping[str, str]:
        """Everything that a record says, by name."""

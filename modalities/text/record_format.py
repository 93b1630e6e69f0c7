"""Files of text that hold records: where each lies, and what it says."""

import abc
import re
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


IDS = ("sent_id", "id", "doc_id", "uid", "guid", "key")
"""Names of fields that say what a record is called, in small letters, the likelier first."""


def id_in(fields: Mapping[str, str]) -> str:
    """What a record is called, by its fields; nothing where none of them says it.

    Example:
        >>> id_in({"text": "A sea.", "Tweet ID": "7"}), id_in({"doc id": "d1", "sent_id": "d1-4"}), id_in({"paid": "1"})
        ('7', 'd1-4', '')
    """
    names = {name.lower().strip(): value.strip() for name, value in fields.items() if value.strip()}
    likely = [name for name in IDS if name in names]
    likely += [name for name in names if re.search(r"(^|[\W_])id$", name)]
    likely += [name.lower() for name, value in fields.items() if name.endswith(("Id", "ID")) and value.strip()]
    return names[likely[0]] if likely else ""


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

"""Texts in fields of JSON: an object on every line, or an array of them."""

import json
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from gestalt.core.data.items import BadItemError
from gestalt.core.shards.files import open_file
from gestalt.core.tables.json_array import array_in, elements
from gestalt.core.tables.lines import NAME_IT, lines_of, text_encoding

from .data import Passage
from .record_format import AbstractRecordFormat, TextRecord


@final
@dataclass(frozen=True)
class JsonLines(AbstractRecordFormat):
    """An object on every line; empty lines are none."""

    path: Path
    field: str
    encoding: str | None

    def records(self) -> Iterator[TextRecord]:
        """The lines."""
        for line in lines_of(self.path, self.encoding):
            if line.text.strip():
                yield TextRecord(line.begin, line.end, line.number, line.text)

    def passage(self, text: str, first: int = 0, last: int | None = None) -> Passage | None:
        """The field."""
        return of_field(text, self.field, first, last)

    def fields(self, text: str) -> Mapping[str, str]:
        """The fields of an object that hold text, a number, or true or false."""
        return plain_fields(text)


@final
@dataclass(frozen=True)
class JsonArray(AbstractRecordFormat):
    """An array of objects, or a lone object, over any number of lines; records are numbered from 1.

    Where the lone object has an array of the name `inside`, the records are those of this array: COCO's annotations.
    """

    path: Path
    field: str
    inside: str = ""
    encoding: str | None = None

    def records(self) -> Iterator[TextRecord]:
        """The elements of the array. The file is mapped, not read: only one record is in memory."""
        encoding = text_encoding(self.path, self.encoding)
        if encoding.unit > 1 or not _in_single_bytes(encoding.name):
            raise BadItemError(
                str(self.path),
                f"is in {encoding.name}, and arrays of JSON are read in UTF-8; convert it, write one object per line "
                "(.jsonl), or leave it out with --skip-bad",
            )
        with open_file(self.path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            first = array_in(content, self.inside, encoding.mark)
            for number, (begin, end, problem) in enumerate(elements(content, first), start=1):
                try:
                    yield TextRecord(begin, end, number, content[begin:end].decode(encoding.name), problem)
                except UnicodeDecodeError as error:
                    said = "UTF-8" if encoding.name == "utf-8" else encoding.name
                    advice = "" if self.encoding else f"; {NAME_IT.rstrip(', ')}"
                    yield TextRecord(begin, end, number, "", f"is not in {said} ({error.reason}){advice}")

    def passage(self, text: str, first: int = 0, last: int | None = None) -> Passage | None:
        """The field, or the element itself where it is a text."""
        return of_field(text, self.field, first, last, bare=True)

    def fields(self, text: str) -> Mapping[str, str]:
        """The fields of an object that hold text, a number, or true or false."""
        return plain_fields(text)


def _in_single_bytes(encoding: str) -> bool:
    """Whether no byte of a longer letter can be a bracket or a quotation mark."""
    return encoding == "utf-8" or len(bytes(range(128, 256)).decode(encoding, "replace")) == 128


def of_field(text: str, field: str, first: int, last: int | None, bare: bool = False) -> Passage | None:
    """The passage in a field of an object.

    Raises:
        ValueError: saying what is wrong with it.
    """
    record = _loaded(text)
    if bare and isinstance(record, str):
        value: Any = record
    elif isinstance(record, dict) and field in record:
        value = record[field]
    else:
        known = ", ".join(map(str, record)) if isinstance(record, dict) else type(record).__name__
        raise ValueError(f"has no field {field!r}, it has {known}; name the field of the text")
    if not isinstance(value, str):
        raise ValueError(f"the field {field!r} must hold text, got {type(value).__name__}")
    part = value[first:last]
    return Passage.of(part, first) if part.strip() else None


def plain_fields(text: str) -> Mapping[str, str]:
    """What an object says in single values, as text.

    Example:
        >>> plain_fields('{"id": 7, "tags": [], "text": "a"}')
        {'id': '7', 'text': 'a'}
    """
    record = _loaded(text)
    values = record.items() if isinstance(record, dict) else ()
    return {str(name): str(value) for name, value in values if isinstance(value, str | int | float | bool)}


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON ({error}); write one object per line") from error

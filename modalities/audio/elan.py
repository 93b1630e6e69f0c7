"""Annotations as ELAN writes them (.eaf): those of all tiers that lie on the time line."""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, final
from urllib.parse import unquote
from xml.parsers import expat

from gestalt.core.modality.labelled_events import LabelledEvent, event_of
from gestalt.core.tables.blocks import blocks_of

MILLISECONDS = "milliseconds"


def events_of_elan(path: Path) -> list[LabelledEvent]:
    """The annotations that have times and a text; those that refer to another one have its times, and are left out.

    Where a medium is linked with an offset, times are those in that medium: of several, in the one that is called as
    the document. A time slot without a time lies evenly between its neighbours, as ELAN shows it. Nothing outside the
    file is read: documents that declare entities are refused.

    Raises:
        ValueError: if it is no XML of ELAN, with the line, names a time slot that there is not, counts in other units
            than milliseconds, or links several media with different offsets.
    """
    document = _Document(path)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = document.refuse
    parser.StartElementHandler = lambda name, given: document.begin(name, given, parser.CurrentLineNumber)
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    try:
        for block in blocks_of(path):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(f"{path}:{error.lineno} is no XML ({expat.ErrorString(error.code)}); save it again") from error
    except LookupError as error:  # Python knows no such encoding
        raise ValueError(f"{path} is XML in an encoding that is not known ({error}); save it as UTF-8") from error
    if not document.is_elan:
        raise ValueError(f"{path} is XML, and no annotation document of ELAN")
    times, later = document.times(), document.offset()
    events = list[LabelledEvent]()
    for first, second, text, line in document.annotations:
        missing = [slot for slot in (first, second) if slot not in times]
        if missing:
            raise ValueError(f"{path}:{line} is at the time slot {missing[0]!r}, which has no time and no neighbours")
        if text.strip():
            begin, end = (str((times[slot] + later) / 1000) for slot in (first, second))
            events.append(event_of(begin, end, " ".join(text.split()), f"{path}:{line}"))
    return events


@final
@dataclass
class _Document:
    """What the parser has met so far."""

    path: Path
    is_elan: bool = False
    slots: list[tuple[str, float | None]] = field(default_factory=list)
    media: list[tuple[str, int]] = field(default_factory=list)
    annotations: list[tuple[str, str, str, int]] = field(default_factory=list)
    own: tuple[str, str, int] | None = None
    value: list[str] | None = None

    def refuse(self, *_: Any) -> None:
        """A document type may declare entities that grow without end, or read other files."""
        raise ValueError(f"{self.path} declares a document type, which no file of ELAN does; it is not read")

    def begin(self, name: str, given: dict[str, str], line: int) -> None:
        """An element begins."""
        if name == "ANNOTATION_DOCUMENT":
            self.is_elan = True
        elif name == "HEADER" and given.get("TIME_UNITS", MILLISECONDS) != MILLISECONDS:
            raise ValueError(f"{self.path}:{line} counts in {given['TIME_UNITS']!r}; times are {MILLISECONDS}")
        elif name == "MEDIA_DESCRIPTOR":
            origin = given.get("TIME_ORIGIN", "0")
            if not re.fullmatch(r"-?\d{1,12}", origin):
                raise ValueError(f"{self.path}:{line} has the offset {origin!r}; times are whole milliseconds")
            self.media.append((given.get("MEDIA_URL", ""), int(origin)))
        elif name == "TIME_SLOT":
            value = given.get("TIME_VALUE")
            if value is not None and not value.isdecimal():
                raise ValueError(f"{self.path}:{line} has the time {value!r}; times are whole milliseconds")
            self.slots.append((given.get("TIME_SLOT_ID", ""), None if value is None else float(value)))
        elif name == "ALIGNABLE_ANNOTATION":
            self.own = given.get("TIME_SLOT_REF1", ""), given.get("TIME_SLOT_REF2", ""), line
        elif name == "ANNOTATION_VALUE" and self.own is not None:
            self.value = []

    def text(self, some: str) -> None:
        """Characters, of an annotation or between elements."""
        if self.value is not None:
            self.value.append(some)

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "ANNOTATION_VALUE" and self.own is not None and self.value is not None:
            first, second, line = self.own
            self.annotations.append((first, second, "".join(self.value), line))
            self.own = self.value = None

    def offset(self) -> int:
        """Milliseconds by which times in the recording are later than those of the document.

        Raises:
            ValueError: if media that may be the recording have different ones.
        """
        own = self.path.stem.casefold()
        called = [origin for url, origin in self.media if PurePosixPath(unquote(url)).stem.casefold() == own]
        origins = set(called or [origin for _, origin in self.media])
        if len(origins) > 1:
            raise ValueError(
                f"{self.path} links media with offsets of {' and '.join(map(str, sorted(origins)))} ms, and which of "
                "them is the recording is not known; leave that alone linked (Edit, Linked Files), and save it again"
            )
        return origins.pop() if origins else 0

    def times(self) -> dict[str, float]:
        """Milliseconds of every slot; those without a time lie evenly between the ones around them."""
        known = [place for place, (_, value) in enumerate(self.slots) if value is not None]
        found = {name: value for name, value in self.slots if value is not None}
        for before, after in pairwise(known):
            begin, end = self.slots[before][1], self.slots[after][1]
            assert begin is not None
            assert end is not None
            for place in range(before + 1, after):
                share = (place - before) / (after - before)
                found[self.slots[place][0]] = begin + share * (end - begin)
        return found

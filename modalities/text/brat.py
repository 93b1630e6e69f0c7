"""Standoff annotations as BRAT reads and writes them (.ann): a line for every span, by its characters in the text."""

import re
from collections.abc import Sequence
from pathlib import Path

from gestalt.core.data.items import BadItemError
from gestalt.core.tables.lines import lines_of

from .span_records import MOST, SpanLine, SpanRecord
from .spans import Span

BRAT = ".ann"
SPAN = re.compile(r"(T\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?")
OTHER = frozenset("REAMN*#")
"""First letters of lines that say something of spans: relations, events, attributes, references, notes."""


def read_brat(path: Path, number: int) -> SpanLine:
    """The spans of a text, named by their types; a span in several pieces is one object.

    Args:
        path: the file.
        number: of the text, so that objects of several differ.

    Raises:
        ValueError: if a line is none of BRAT's, with its number.
    """
    try:
        lines = list(lines_of(path))
    except (OSError, BadItemError) as error:
        raise ValueError(f"{path} is no text in Unicode ({error}); save it as UTF-8, or remove it") from error
    spans = list[SpanRecord]()
    for line in lines:
        text, source = line.text.rstrip("\r\n"), f"{path}:{line.number}"
        if not text.strip() or text[0] in OTHER:
            continue
        found = SPAN.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{source} is no line of BRAT's standoff: {text[:60]!r}; a span is an id that begins with T, a tab, "
                "its type, its first character and the one after it, a tab and its text"
            )
        own, kind, pieces, said = found.groups()
        for piece in pieces.split(";"):
            if len(piece) > 40 or max(map(int, piece.split(" "))) > MOST:
                raise ValueError(f"{source}: a span lies beyond all texts, {piece[:40]}; correct the line")
            begin, end = map(int, piece.split(" "))
            if begin >= end:
                raise ValueError(f"{source}: a span begins before it ends, got {begin} … {end}; correct the line")
            # BRAT writes a space for the end of a line, and the text of several pieces in a row.
            told = said if said and ";" not in pieces and not re.search(r"\s", said) else None
            spans.append(SpanRecord(begin, end, None, (number, own), kind, told, source))
    return SpanLine(None, tuple(spans), f"{path}:1")


def brat_line(number: int, span: Span) -> str:
    """One span; a type has no white space in it.

    Example:
        >>> brat_line(1, Span(0, 2, 4, 11, 0, "old men", "group of people"))
        'T1\\tgroup_of_people 4 11\\told men\\n'
    """
    kind = re.sub(r"\s+", "_", span.name.strip()) or f"object_{span.object}"
    text = re.sub(r"[\r\n]", " ", span.text)
    return f"T{number}\t{kind} {span.begin} {span.end}\t{text}\n"


def brat_lines(spans: Sequence[Span], first: int) -> str:
    """Spans in a row, numbered from `first`."""
    return "".join(brat_line(number, span) for number, span in enumerate(spans, start=first))

"""Spans as JSON Lines, as `gestalt discover` writes them: an object on every line, spans by their characters."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.pairing import NamedFiles
from gestalt.core.tables.lines import lines_of

MOST = 2**53
"""Characters of a file: more than any disk holds, and few enough for every number type."""


@final
@dataclass(frozen=True)
class SpanRecord:
    """A span: characters `begin` … `end` of a file, or of the record that begins on `line`.

    Spans with one `object` are one object. `text` is what stands there, if the file says it.
    """

    begin: int
    end: int
    line: int | None
    object: tuple[int, str]
    name: str
    text: str | None
    source: str


@final
@dataclass(frozen=True)
class SpanLine:
    """What one line says of a passage, of a record or of a whole file (`line` is None then): its spans, be it none."""

    line: int | None
    spans: tuple[SpanRecord, ...]
    source: str


def read_spans(path: Path, files: NamedFiles) -> dict[int, list[SpanLine]]:
    """The lines by the number of the file that they are of.

    A line is `{"file": …, "line": …, "spans": [{"begin": …, "end": …, "object": …, "text": …}, …]}`. Of a span, `begin`
    and `end` are needed; `label` or `type` is its name, and without `object` every span is one. `line` is needed where
    characters are counted in the field of a record.

    Raises:
        ValueError: if a line is none of this, or none of them names a file of the data.
    """
    try:
        lines = list(lines_of(path))
    except (OSError, BadItemError) as error:
        raise ValueError(f"{path} is no text in Unicode ({error}); save it as UTF-8, or remove it") from error
    named: list[tuple[str, SpanLine]] = []
    for number, text in ((line.number, line.text) for line in lines if line.text.strip()):
        source = f"{path}:{number}"
        try:
            record = json.loads(text)
            name, line = str(record["file"]), record.get("line")
            line = None if line is None else int(line)
            spans = tuple(_span(span, line, number, place, source) for place, span in enumerate(record["spans"]))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(
                f"{source} has no spans ({type(error).__name__}: {error}); a line is "
                '{"file": …, "line": …, "spans": [{"begin": …, "end": …, "object": …}, …]}'
            ) from error
        named.append((name, SpanLine(line, spans, source)))
    known = files.all_known([(name, own.source) for name, own in named])
    found: dict[int, list[SpanLine]] = {}
    for name, own in named:
        of = known[name]
        if of is not None:
            found.setdefault(of, []).append(own)
    files.refuse_if_none(found, f"{path}:1")
    return found


def _span(span: dict[str, Any], line: int | None, number: int, place: int, source: str) -> SpanRecord:
    begin, end = int(span["begin"]), int(span["end"])
    if not 0 <= begin < end:
        raise ValueError(f"a span begins before it ends, got {begin:.6g} … {end:.6g}")
    if end > MOST:
        raise ValueError(f"no text has {end:.6g} characters, and a span ends there")
    own = f"span {place}" if span.get("object") is None else f"object {span['object']}"
    name = str(span.get("label", span.get("type", "")))
    text = span.get("text")
    return SpanRecord(begin, end, line, (number, own), name, None if text is None else str(text), source)

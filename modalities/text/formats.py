"""What a file of text holds, after its name and its first lines; what is no text is refused with what to do."""

import json
import re
from itertools import islice
from pathlib import Path

from gestalt.core.data.items import BadItemError
from gestalt.core.tables.blocks import blocks_of
from gestalt.core.tables.lines import lines_of, text_encoding

from .columns import TAG, cells_of
from .conll import Conll
from .json_records import JsonArray, JsonLines
from .record_format import AbstractRecordFormat
from .table_records import TableRecords

PLAIN = frozenset((".txt", ".text", ".md", ".rst"))
JSON = frozenset((".jsonl", ".ndjson", ".json"))
TABLE = frozenset((".csv", ".tsv"))
CONLL = frozenset((".conll", ".conllu", ".conllx", ".bio", ".iob", ".iob2", ".bioes", ".bilou"))
SUFFIXES = PLAIN | JSON | TABLE | CONLL

MARKED = "is text with mark-up; take the text out of it (pandoc FILE -t plain -o FILE.txt)"
CAPTIONS = "holds captions, whose numbers and times are no text; save their text alone, a caption to a line"
DOCUMENT = "is a document of another program; save it as plain text"
BINARY_TABLE = "is a table of another program; save it as CSV or JSON Lines"
PACKED = "is compressed, and texts are read from any place in them; unpack it"
REFUSED = {
    **dict.fromkeys((".xml", ".html", ".htm", ".xhtml", ".tei", ".sgml", ".sgm", ".tmx", ".xliff"), MARKED),
    **dict.fromkeys((".srt", ".vtt", ".ass", ".ssa"), CAPTIONS),
    **dict.fromkeys((".pdf", ".doc", ".docx", ".odt", ".rtf", ".epub"), DOCUMENT),
    **dict.fromkeys((".xls", ".xlsx", ".ods", ".parquet", ".feather", ".arrow"), BINARY_TABLE),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tgz"), PACKED),
}
"""Files that hold text, but not as it is written here: why they are not read, and what to do."""
BEGINS = (
    (re.compile(rb"\s*<(?:\?xml|!doctype|html|head|body|svg|rss|tei|tmx|xliff|mediawiki)\b", re.IGNORECASE), MARKED),
    (re.compile(rb"\s*<[\w:.-]+\s[^<>]*\bxmlns\b"), MARKED),
    (re.compile(rb"WEBVTT\b|\s*\d+\s*\r?\n\s*\d\d:\d\d:\d\d[,.]\d+\s+-->"), CAPTIONS),
    (re.compile(rb"%PDF-|\{\\rtf|PK\x03\x04"), DOCUMENT),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd"), PACKED),
)
ANNOTATIONS = "annotations"
"""Where COCO's files have their captions."""
TAGGED = 3
"""So many lines of a word and its tag make columns of a file whose name says nothing."""


def format_of(path: Path, field: str, encoding: str | None) -> AbstractRecordFormat | None:
    """How the records of a file are written; None for plain text.

    Raises:
        BadItemError: for a file that is known not to be read here, or has no records as its name says.
    """
    suffix = path.suffix.lower()
    if suffix in REFUSED:
        raise BadItemError(str(path), f"{REFUSED[suffix]}, or leave it out with --skip-bad")
    if suffix in TABLE:
        return TableRecords(path, field, encoding)
    if suffix == ".json":
        lines = _json_lines(path, encoding)
        return JsonLines(path, field, encoding) if lines else JsonArray(path, field, ANNOTATIONS, encoding)
    if suffix in JSON:
        return JsonLines(path, field, encoding)
    if suffix in CONLL:
        return Conll.of(path, encoding)
    _refuse_by_content(path)
    return Conll.of(path, encoding) if _tagged(path, encoding) else None


def _json_lines(path: Path, encoding: str | None) -> bool:
    """Whether the first line of a file is an object by itself, and not all of a file of annotations."""
    head = next(blocks_of(path), b"").removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"["):  # an array, which may be one line of any length
        return False
    first = next((_json(line.text) for line in lines_of(path, encoding) if line.text.strip()), None)
    return isinstance(first, dict) and not isinstance(first.get(ANNOTATIONS), list)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _refuse_by_content(path: Path) -> None:
    head = next(blocks_of(path), b"")[:4096].removeprefix(b"\xef\xbb\xbf")
    for begin, reason in BEGINS:
        if begin.match(head):
            raise BadItemError(str(path), f"{reason}, or leave it out with --skip-bad")
    first = head.split(b"\n")[0].strip()
    if first.startswith((b"{", b"[{")) and isinstance(_json(first.decode(errors="replace")), dict | list):
        raise BadItemError(str(path), "holds JSON; call it .jsonl or .json, or leave it out with --skip-bad")


def _tagged(path: Path, encoding: str | None) -> bool:
    """Whether a file whose name does not say it has a word and its tag on every line."""
    if text_encoding(path, encoding).name == "utf-8" and b"\0" in next(blocks_of(path), b"")[:4096]:
        return False
    rows = [cells_of(line.text) for line in islice(lines_of(path, encoding), 200) if line.text.strip()]
    rows = [row for row in rows if row[0] != "-DOCSTART-" and not row[0].startswith("#")]
    widths = {len(row) for row in rows}
    return len(rows) >= TAGGED and len(widths) == 1 and min(widths) > 1 and all(TAG.fullmatch(row[-1]) for row in rows)

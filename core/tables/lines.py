"""The lines of a text file, with the bytes and the characters at which they lie."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import final

from ..data.items import BadItemError
from .blocks import blocks_of
from .encoding import Encoding, encoding_of, is_utf8

ADVICE = "or leave it out with --skip-bad"
NAME_IT = "name its encoding (--encoding cp1252, or --settings encoding=cp1252 of the recipe objects), "
"""What further can be done where an encoding can be named."""
LONGEST = 1 << 27
"""Bytes of the longest line: a file without line breaks is not taken into memory for one."""
BREAKS = {
    "utf-16-le": re.compile(rb"\r\0\n\0|\n\0|\r\0"),
    "utf-16-be": re.compile(rb"\0\r\0\n|\0\n|\0\r"),
}
MARK, END_OF_DOS = "\ufeff", "\x1a"
TEXT_BREAK = re.compile("\r\n|\n|\r")
BREAK = re.compile(rb"\r\n|\n|\r")
"""Lines end here and nowhere else: other characters that break a line on a page belong to what is written."""


def split_lines(text: str) -> list[str]:
    r"""The lines of a text without their line breaks, which are the same as those of a file.

    Example:
        >>> split_lines("a\u2028b\rc\r\nd\n")
        ['a\u2028b', 'c', 'd']
    """
    lines = TEXT_BREAK.split(text)
    return lines if lines[-1] else lines[:-1]


@final
@dataclass(frozen=True)
class Line:
    """A line with its line break: bytes `begin` … `end` of the file, `start` characters behind its beginning."""

    begin: int
    end: int
    number: int
    start: int
    text: str


def text_encoding(path: Path, otherwise: str | None = "") -> Encoding:
    """The encoding of a file; `otherwise` is what a file is in that is not in Unicode, where it is named.

    Raises:
        BadItemError: for UTF-32, which nobody writes.
    """
    found = encoding_of(next(blocks_of(path), b"")[:4096])
    if found.name == "utf-32":
        raise BadItemError(f"{path}:1", f"is in UTF-32; convert it to UTF-8, {ADVICE}")
    if not otherwise or found != Encoding("utf-8") or is_utf8(blocks_of(path)):
        return found
    return Encoding(otherwise)


def lines_of(path: Path, otherwise: str | None = "") -> Iterator[Line]:
    r"""The lines of a file in Unicode, which end with \n, \r\n or \r; a byte order mark counts as nothing.

    Args:
        path: the file; `.gz` is unfolded.
        otherwise: the encoding of a file that is not in Unicode; None: it was not named, and the error says how it is
            named; nothing: there is no option for it.

    Raises:
        BadItemError: at the first line that is in no such encoding, holds a zero byte as binary files do, or is longer
            than `LONGEST`.
    """
    encoding = text_encoding(path, otherwise)
    start, begin = 0, encoding.mark
    for number, content in enumerate(_pieces(_without(blocks_of(path), begin), encoding, path), start=1):
        line = _decoded(content, encoding, path, number, NAME_IT if otherwise is None else "")
        # Files that were joined have a byte order mark in the middle, and some of DOS end with a mark of their own.
        plain = line.lstrip(MARK)
        marks = len(line) - len(plain)
        if plain.strip() != END_OF_DOS:
            at = begin + len((MARK * marks).encode(encoding.name))
            yield Line(at, begin + len(content), number, start + marks, plain)
        begin += len(content)
        start += len(line)


def _without(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    first = next(blocks, b"")
    return chain([first[count:]], blocks)


def _pieces(blocks: Iterable[bytes], encoding: Encoding, path: Path) -> Iterator[bytes]:
    """The bytes of every line."""
    breaks, unit = BREAKS.get(encoding.name, BREAK), encoding.unit
    rest, size, number = list[bytes](), 0, 1
    for block in blocks:
        rest.append(block)
        size += len(block)
        if b"\n" not in block and b"\r" not in block and not rest[0].endswith((b"\r", b"\r\0")):
            _refuse_endless(block, size, encoding, f"{path}:{number}")
            continue
        data, place = b"".join(rest), 0
        for match in breaks.finditer(data):
            if match.start() % unit == 0 and match.end() < len(data) - unit:  # a \r at the end may go on with \n
                yield data[place : match.end()]
                place, number = match.end(), number + 1
        rest = [data[place:]]
        size = len(rest[0])
    data, place = b"".join(rest), 0
    for match in breaks.finditer(data):
        if match.start() % unit == 0:
            yield data[place : match.end()]
            place = match.end()
    if place < len(data):
        yield data[place:]


def _refuse_endless(block: bytes, size: int, encoding: Encoding, name: str) -> None:
    """Refuse a line that goes on and on: binary files, those of many gigabytes among them, have few line breaks."""
    if encoding.unit == 1 and b"\0" in block:
        raise BadItemError(name, f"holds zero bytes: the file is binary, not text; remove it, {ADVICE}")
    if size > LONGEST:
        raise BadItemError(name, f"is a line of more than {LONGEST >> 20} MiB; break it into several, {ADVICE}")


def _decoded(content: bytes, encoding: Encoding, path: Path, number: int, further: str) -> str:
    name = f"{path}:{number}"
    if encoding.unit == 1 and b"\0" in content:
        raise BadItemError(name, f"holds zero bytes: the file is binary, not text; remove it, {ADVICE}")
    try:
        return content.decode(encoding.name)
    except UnicodeDecodeError as error:
        if encoding.unit == 1 and b"\0" in next(blocks_of(path), b""):
            raise BadItemError(name, f"holds zero bytes: the file is binary, not text; remove it, {ADVICE}") from error
        place = f"byte {error.start + 1} of the line is {content[error.start]:#04x}"
        said = "UTF-8" if encoding.name == "utf-8" else encoding.name
        raise BadItemError(name, f"is not in {said} ({place}); convert the file to UTF-8, {further}{ADVICE}") from error

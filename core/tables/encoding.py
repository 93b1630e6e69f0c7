"""The encoding of a text file, from what it holds."""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks, the longer first."""


@final
@dataclass(frozen=True)
class Encoding:
    """What Python calls an encoding, and how many bytes of a byte order mark come before the text."""

    name: str
    mark: int = 0

    @property
    def unit(self) -> int:
        """Bytes of the smallest character."""
        return 2 if self.name.startswith("utf-16") else 1


def encoding_of(head: bytes) -> Encoding:
    """The encoding that the first bytes of a file tell: one of Unicode, UTF-8 where they tell nothing.

    Without a byte order mark, UTF-16 shows by zero bytes on one side of most characters.

    Example:
        >>> encoding_of("grün".encode("utf-16-be")).name, encoding_of("grün".encode("utf-8-sig"))
        ('utf-16-be', Encoding(name='utf-8', mark=3))
    """
    for mark, name in MARKS:
        if head.startswith(mark):
            return Encoding(name, len(mark))
    even, odd = head[0::2], head[1::2]
    pairs = max(len(odd), 1)
    if b"\0" not in even and odd.count(0) > pairs / 2:
        return Encoding("utf-16-le")
    if b"\0" not in odd and even.count(0) > pairs / 2:
        return Encoding("utf-16-be")
    return Encoding("utf-8")


def is_utf8(blocks: Iterable[bytes]) -> bool:
    """Whether all bytes are UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def check_encoding(name: str) -> None:
    """Refuse the name of an encoding that there is not, or in which bytes alone do not tell where a line ends.

    Raises:
        ValueError: with what is known.

    Example:
        >>> check_encoding("klingon")
        Traceback (most recent call last):
        ValueError: there is no encoding 'klingon'; give one such as latin-1, cp1252, gb18030, big5, shift_jis
    """
    try:
        plain = "".join(map(chr, range(32, 127))) + "\r\n"
        same = plain.encode(name) == plain.encode("ascii")
    except (LookupError, UnicodeError):
        same = False
    if not same:
        raise ValueError(f"there is no encoding {name!r}; give one such as latin-1, cp1252, gb18030, big5, shift_jis")

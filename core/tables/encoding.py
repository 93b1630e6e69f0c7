"""The encoding of a text file, from what it holds."""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks, the longer first."""
USUAL = (
    *((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x6FF)),
    *((0x900, 0x97F), (0xE00, 0xE7F), (0x200C, 0x203A), (0x2600, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF)),
    *((0xAC00, 0xD7A3), (0xFE0F, 0xFE0F), (0xFF00, 0xFFEF), (0x1F300, 0x1FAFF)),
)
"""Ranges of what most texts consist of: line breaks, ASCII, Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai,
punctuation, Kana, Chinese, Hangul, full widths and pictures."""
OTHERS = (
    *((0x531, 0x58F), (0x981, 0x9FE), (0xA01, 0xA76), (0xA81, 0xAFF), (0xB01, 0xB77), (0xB82, 0xBFA), (0xC01, 0xC7F)),
    *((0xC80, 0xCF3), (0xD01, 0xD7F), (0xD81, 0xDF4), (0xE81, 0xEDF), (0xF01, 0xFDA), (0x1001, 0x109F)),
    *((0x10A0, 0x10FF), (0x1201, 0x139F), (0x1780, 0x17F9), (0x1801, 0x18AA)),
)
"""Other scripts, of which a text has one: Armenian, Bengali to Malayalam and Sinhala, Lao, Tibetan, Burmese, Georgian,
Ethiopic, Khmer, Mongolian. U+0A00 and U+0D00 are line breaks turned round."""
FIRST, LAST = np.array(USUAL, np.uint32).T.copy()
OTHER_FIRST, OTHER_LAST = np.array(OTHERS, np.uint32).T.copy()
BLANKS = (0x09, 0x0A, 0x0D, 0x20)
MOST = 0.97
"""The share of usual characters from which on bytes are taken for UTF-16; of any two bytes, half are one."""
FEW = 0.1
"""The share of characters whose lower byte may be zero, as of U+4E00; of binary files with some text there are more."""
RARE = bytes(set(range(32)) - set(b"\t\n\r"))
"""Bytes that other texts never have."""


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

    Without a byte order mark, UTF-16 shows by zero bytes on one side of most characters; in other scripts than Latin by
    bytes that are no UTF-8 and make letters two by two, see `_in_pairs`.

    Example:
        >>> encoding_of("grün".encode("utf-16-be")).name, encoding_of("grün".encode("utf-8-sig"))
        ('utf-16-be', Encoding(name='utf-8', mark=3))
        >>> encoding_of("吾輩は猫である。\\n".encode("utf-16-le")).name
        'utf-16-le'
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
    return Encoding(_in_pairs(head) or "utf-8")


def _in_pairs(head: bytes) -> str:
    """Which UTF-16 a text of any script without a byte order mark is in; nothing for what is none.

    Pairs of letters in ASCII are Chinese characters, too. So there must be bytes that other texts never have, such as
    a space, a line break and a full stop give in UTF-16; and beside them bytes that are no UTF-8, or so many of them as
    letters of Cyrillic or Arabic give, one each, or a zero byte beside a space or a line break, as in Devanagari. Then
    one of the two orders must make nearly everything a letter that is in use, and the other one less.
    """
    if len(head) % 2 or not _rare(head):  # most texts end here
        return ""
    codes = {name: _codes(head, name) for name in ("utf-16-le", "utf-16-be")}
    little, big = map(_usual, codes.values())
    if max(little, big) < MOST or little == big:
        return ""
    low, high = (head[0::2], head[1::2]) if little > big else (head[1::2], head[0::2])
    if low.count(0) > max(1, FEW * len(low)):
        return ""
    name = "utf-16-le" if little > big else "utf-16-be"
    return "" if not _has_blanks(codes[name]) and 3 * _rare(high) <= len(high) and _decodes(head, "utf-8") else name


def _rare(content: bytes) -> int:
    """How many bytes are such as other texts never have."""
    return len(content) - len(content.translate(None, RARE))


def _codes(head: bytes, name: str) -> np.ndarray:
    """The numbers of the characters in an encoding; none where the bytes are not in it."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        text = ""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def _usual(codes: np.ndarray) -> float:
    """The share of characters that are usual; between blanks, also of the one other script that has most."""
    usual, _ = _within(codes, FIRST, LAST)
    other, script = _within(codes, OTHER_FIRST, OTHER_LAST)
    most = np.bincount(script[other]).max(initial=0) if _has_blanks(codes) else 0
    return float(usual.sum() + most) / max(len(codes), 1)


def _has_blanks(codes: np.ndarray) -> bool:
    return bool(np.isin(codes, BLANKS).any())


def _within(codes: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether characters lie within one of the ranges, which are in order, and which that would be."""
    place = np.searchsorted(first, codes, side="right") - 1
    return (place >= 0) & (codes <= last[place]), place


def _decodes(head: bytes, name: str) -> bool:
    """Whether bytes whose end may be cut are in an encoding."""
    try:
        codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


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

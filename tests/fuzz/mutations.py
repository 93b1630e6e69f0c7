"""What may happen to the bytes of a file: every change follows from a format, a seed and a number."""

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np

Rng = np.random.Generator
Change = Callable[[bytes, Rng], bytes]
OptionT = TypeVar("OptionT")

COUNTS = (0, 1, -1, 2**15, 2**31 - 1, -(2**31), 2**32 - 1, 2**40, 2**63 - 1, -(2**63))
NUMBERS = (
    b"1e999", b"-1e999", b"NaN", b"nan", b"Infinity", b"-1", b"0", b"99999999999999999999", b"1e308", b"0x10", b"1_000",
    b"\xd9\xa1\xd9\xa2", b"1,5", b"true", b"null", b"\"\"", b"[]", b"{}", b"[[]]", b"-0.0", b"1e-320",
)  # fmt: skip
WORDS = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\r", b"\n\n", b"\t", b"\"", b"'",
    b",,,,", b";", b"\xe2\x80\xa8", b"\x0b", b"\x1a", b"\x85", b"#", b"%", b"$$$$\n", b"\\", b"{", b"[" * 64, b"}",
    b"]", b"=1+1", b"..", b"/", b"\xf0\x9f\x92\xa9", b"\xe2\x80\xae", b"\xcc\x81", b"-DOCSTART-\n", b"sep=|\n",
)  # fmt: skip
LONGEST = 1 << 18
"""Bytes to which changes that make a file longer may make it."""


def cut(content: bytes, rng: Rng) -> bytes:
    """Without its end."""
    return content[: _place(content, rng)]


def headless(content: bytes, rng: Rng) -> bytes:
    """Without its begin."""
    return content[_place(content, rng) :]


def bits(content: bytes, rng: Rng) -> bytes:
    """Up to eight bits turned over."""
    return _overwritten(content, rng, lambda byte: byte ^ (1 << int(rng.integers(8))), int(rng.integers(1, 9)))


def bytes_(content: bytes, rng: Rng) -> bytes:
    """Up to sixteen bytes of any value."""
    return _overwritten(content, rng, lambda _: int(rng.integers(256)), int(rng.integers(1, 17)))


def begin(content: bytes, rng: Rng) -> bytes:
    """Bytes of its first 64 of any value: headers are there."""
    return _overwritten(content[:64], rng, lambda _: int(rng.integers(256)), int(rng.integers(1, 5))) + content[64:]


def zeros(content: bytes, rng: Rng) -> bytes:
    """A run of zero bytes in place of what was there."""
    first, last = _range(content, rng)
    return content[:first] + bytes(last - first) + content[last:]


def repeated(content: bytes, rng: Rng) -> bytes:
    """A block twice."""
    first, last = _range(content, rng)
    return content[:last] + content[first:]


def removed(content: bytes, rng: Rng) -> bytes:
    """A block is missing."""
    first, last = _range(content, rng)
    return content[:first] + content[last:]


def swapped(content: bytes, rng: Rng) -> bytes:
    """Two blocks in the other order."""
    one, two, three = sorted(_place(content, rng) for _ in range(3))
    return content[:one] + content[two:three] + content[one:two] + content[three:]


def header_again(content: bytes, rng: Rng) -> bytes:
    """Its begin once more, before all or in the middle."""
    header = content[: int(rng.integers(4, 129))]
    place = _place(content, rng) if rng.random() < 0.5 else 0
    return content[:place] + header + content[place:]


def count(content: bytes, rng: Rng) -> bytes:
    """A number of two to eight bytes that is huge, or negative, somewhere, in its first 256 bytes most of the time."""
    size, order = _one((2, 4, 8), rng), _one(("little", "big"), rng)
    value = int(COUNTS[int(rng.integers(len(COUNTS)))]) % (1 << (8 * size))
    near = content[:256] if rng.random() < 0.7 else content
    place = _place(near, rng)
    return content[:place] + value.to_bytes(size, order) + content[place + size :]  # type: ignore[arg-type]


def again(content: bytes, _: Rng) -> bytes:
    """The whole file twice."""
    return content * 2


def padded(content: bytes, rng: Rng) -> bytes:
    """Bytes of any value behind it."""
    return content + rng.bytes(int(rng.integers(1, 8192)))


def number(content: bytes, rng: Rng) -> bytes:
    """A number that is written out is another one, or none."""
    places = [at for at, byte in enumerate(content[:65536]) if 48 <= byte < 58]
    first = places[int(rng.integers(len(places)))] if places else _place(content, rng)
    last = first
    while last < len(content) and chr(content[last]) in "0123456789.eE+-":
        last += 1
    return content[:first] + NUMBERS[int(rng.integers(len(NUMBERS)))] + content[last:]


def word(content: bytes, rng: Rng) -> bytes:
    """A mark that means something to a reader of text, or to none, is put in; at the begin every fourth time."""
    place = 0 if rng.random() < 0.25 else _place(content, rng)
    return content[:place] + WORDS[int(rng.integers(len(WORDS)))] + content[place:]


def long_line(content: bytes, rng: Rng) -> bytes:
    """One letter or mark thousands of times."""
    place, letter = _place(content, rng), _one((b"a", b" ", b",", b"\t", b"9", b"(", b"[", b'"', b"\n", b"C"), rng)
    return content[:place] + letter * int(rng.integers(500, 8000)) + content[place:]


def encoded(content: bytes, rng: Rng) -> bytes:
    """In another encoding, with or without a byte order mark."""
    name = _one(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp037", "utf-7"), rng)
    return content.decode("latin-1").encode(name, "replace")


def line_again(content: bytes, rng: Rng) -> bytes:
    """A line (the header, every other time) somewhere else once more."""
    lines = content.split(b"\n")
    own = lines[0 if rng.random() < 0.5 else int(rng.integers(len(lines)))]
    lines.insert(int(rng.integers(len(lines) + 1)), own)
    return b"\n".join(lines)


def packed(content: bytes, _: Rng) -> bytes:
    """Compressed."""
    return gzip.compress(content, 1, mtime=0)


def nothing(content: bytes, rng: Rng) -> bytes:
    """No byte, one, or a few of any value."""
    del content
    return rng.bytes(_one((0, 1, 2, 3, 4, 8, 16, 64), rng))


OF_BYTES: Sequence[Change] = (
    cut, headless, bits, bits, bytes_, bytes_, begin, begin, zeros, repeated, removed, swapped, header_again, count,
    count, count, again, padded, nothing,
)  # fmt: skip
OF_TEXT: Sequence[Change] = (
    cut, bits, bytes_, zeros, repeated, removed, swapped, header_again, again, nothing, number, number, number, word,
    word, word, long_line, encoded, line_again, line_again, packed,
)  # fmt: skip


@final
@dataclass(frozen=True)
class Mutation:
    """What became of a file: its bytes, and the changes by their names."""

    content: bytes
    changes: tuple[str, ...]


def mutation(content: bytes, others: Sequence[bytes], is_text: bool, key: Sequence[int]) -> Mutation:
    """Mutation `key[-1]` of a file: the file itself for 0, else one to three changes, the same for the same key.

    Every twentieth file is joined with one of another format, or is that file under its own name.

    Args:
        content: the valid file.
        others: valid files of other formats.
        is_text: whether it is made of lines of text.
        key: numbers that everything random follows from.
    """
    if key[-1] == 0:
        return Mutation(content, ())
    rng = np.random.default_rng(list(key))
    known, names = (OF_TEXT if is_text else OF_BYTES), list[str]()
    if others and rng.random() < 0.05:
        other = others[int(rng.integers(len(others)))]
        content = other if rng.random() < 0.5 else content + other if rng.random() < 0.5 else other + content
        names.append("another format")
    for _ in range(_one((1, 1, 2, 3), rng) - len(names)):
        change = known[int(rng.integers(len(known)))]
        content = change(content, rng)[:LONGEST]
        names.append(change.__name__.rstrip("_"))
    return Mutation(content, tuple(names))


def key_of(name: str, seed: int, index: int) -> tuple[int, int, int]:
    """The numbers of a mutation of the format of that name."""
    return zlib.crc32(name.encode()), seed, index


def _one(options: Sequence[OptionT], rng: Rng) -> OptionT:
    """One of them, as `rng.choice` draws it, without an array of all."""
    return options[int(rng.integers(len(options)))]


def _place(content: bytes, rng: Rng) -> int:
    return int(rng.integers(len(content) + 1))


def _range(content: bytes, rng: Rng) -> tuple[int, int]:
    first = _place(content, rng)
    return first, min(len(content), first + _one((1, 4, 16, 64, 512, 4096), rng))


def _overwritten(content: bytes, rng: Rng, new: Callable[[int], int], times: int) -> bytes:
    changed = bytearray(content)
    for _ in range(times if content else 0):
        place = int(rng.integers(len(changed)))
        changed[place] = new(changed[place])
    return bytes(changed)

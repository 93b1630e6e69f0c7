"""Chunked sound files (WAV, RF64, W64, AIFF, CAF, AU) and WMA: how much they claim, and how much of it is there."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final


@final
@dataclass(frozen=True)
class _Chunks:
    """How the chunks of a format follow one another: where the first begins, how long an id is, the form of a size.

    `whole` says that sizes count the chunk's own header; chunks begin at multiples of `align`.
    """

    first: int
    id: int
    size: str
    whole: bool = False
    align: int = 2


W64 = b"riff\x2e\x91\xcf\x11"
LARGE = (b"RF64", b"BW64")
"""Forms whose sizes stand in a chunk of their own, `ds64`, where 32 bits are too few."""
CHUNKS = {
    b"RIFF": _Chunks(12, 4, "<I"),
    **dict.fromkeys(LARGE, _Chunks(12, 4, "<I")),
    b"FORM": _Chunks(12, 4, ">I"),
    b"caff": _Chunks(8, 4, ">q", align=1),
    W64: _Chunks(40, 16, "<Q", whole=True, align=8),
}
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""The identifiers of a file of WMA, and of its properties."""
TOP = 2**16
"""Bytes in which these properties stand."""
SOUND = (b"data", b"SSND")
SLACK = 4096
"""Bytes after the last chunk that are nobody's."""
MOST_CHUNKS = 10_000
NEAR = 2**16
"""Sizes that are nearer than this to what 31 or 32 bits hold stand for an unknown one: the sound was streamed."""


@final
@dataclass(frozen=True)
class Claimed:
    """What the chunks of a file claim.

    Attributes:
        after: how many bytes follow the last chunk that belong to none; 0 for up to some 4 KB.
        missing: how many times the sound that is there is missing at the end of the file.
    """

    after: int = 0
    missing: float = 0.0


def claimed(path: Path) -> Claimed:
    """What the chunks of a file claim; nothing for files of other formats.

    A header that was never brought up to date, or whose 32 bits are too few, speaks of less than the file holds; that
    of a file that was cut off of more.

    Example:
        >>> import soundfile, tempfile, numpy
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> soundfile.write(path, numpy.zeros(8000), 8000)
        >>> claimed(path)
        Claimed(after=0, missing=0.0)
        >>> _ = path.write_bytes(path.read_bytes()[: 44 + 4000])
        >>> claimed(path)
        Claimed(after=0, missing=3.0)
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(12)
        if begin == ASF[:12]:
            return Claimed(missing=_missing(length, 0, _said_by_asf(begin + file.read(TOP))))
        if begin[:4] == b".snd" and len(begin) == 12:
            first, size = struct.unpack(">II", begin[4:])
            return Claimed(missing=0.0 if _is_open(size) else _missing(length, first, size))
        form = CHUNKS.get(begin[:4]) or CHUNKS.get(begin[: len(W64)])
        return Claimed() if form is None else _walked(file, form, length, begin[:4] in LARGE)


def _said_by_asf(top: bytes) -> int:
    """The bytes of the whole file; 0 for a broadcast, which does not know."""
    place = top.find(ASF_FILE)
    if place < 0 or len(top) < place + 92:
        return 0
    size, flags = struct.unpack_from("<Q", top, place + 40)[0], struct.unpack_from("<I", top, place + 88)[0]
    return 0 if flags & 1 else int(size)


def _walked(file: BinaryIO, form: _Chunks, length: int, large: bool) -> Claimed:
    place, header = form.first, form.id + struct.calcsize(form.size)
    sizes, sounds = dict[bytes, int](), 0
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        read = file.read(header)
        if len(read) < header or (form.id == 4 and not all(32 <= byte < 127 for byte in read[:4])):
            break
        name, size = read[:4], int(struct.unpack(form.size, read[form.id :])[0])
        if name == b"ds64" and large:
            sizes[b"data"] = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        size = int(sizes.get(name, size) if size == 2**32 - 1 else size)
        if size < 0 or (name in SOUND and _is_open(size)):
            return Claimed()  # left open: the sound goes on to the end of the file
        if name in CHUNKS:  # another file begins here
            break
        if name in SOUND and size and (sounds := sounds + 1) > 1:  # of which readers take the first alone
            return Claimed(length - place)
        end = place + max(size, header) if form.whole else place + header + size
        if name in SOUND and end > length:
            return Claimed(missing=_missing(length, place + header, end - place - header))
        place = -(-end // form.align) * form.align
    left = length - place
    return Claimed(left if left > SLACK else 0)


def _is_open(size: int) -> bool:
    return size == 0 or abs(size - 2**31) < NEAR or 0 <= 2**32 - size < NEAR


def _missing(length: int, first: int, size: int) -> float:
    """The part of `size` bytes from `first` on that is missing, in terms of that which is there."""
    there = max(0, length - first)
    return max(0.0, (size - there) / max(there, 1))

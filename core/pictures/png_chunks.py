"""Pictures opened by Pillow; of PNG, what says nothing of pixels loses no picture, whatever is wrong with it."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from .bounded_file import bounded

BEGIN = b"\x89PNG\r\n\x1a\n"
OF_PIXELS = frozenset((b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"))
"""Chunks that change pixels, their order, or which of several pictures is meant, beside those that every PNG needs."""


MOST_TEXT = 1 << 26
"""Bytes into which a compressed text may unfold."""

ResultT = TypeVar("ResultT")


def by_pillow(path: Path, use: Callable[[Any], ResultT]) -> ResultT:
    """What `use` makes of a picture file that Pillow opened; of PNG, without the remarks over which Pillow refuses it.

    Raises:
        OSError: or whatever else Pillow and `use` raise.
    """
    from PIL import Image

    # Opened by a handle: what Pillow maps into memory by its name, it maps with height and width exchanged where a TIFF
    # lies on its side.
    with bounded(path) as handle:
        try:
            with Image.open(handle) as file:
                return use(file)
        except Exception:
            whole = None if handle.closed else without_remarks(handle)
            if whole is None:
                raise
    with Image.open(io.BytesIO(whole)) as file:
        return use(file)


def without_remarks(file: BinaryIO) -> bytes | None:
    """A PNG without the chunks that are no pixels and torn, or compressed; None if it has none, or is no PNG.

    Raises:
        ValueError: for a wrong checksum of one that changes pixels.
    """
    file.seek(0)
    if file.read(8) != BEGIN:
        return None
    kept, left_out = [BEGIN], False
    while len(begin := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", begin)
        content = file.read(length + 4)
        if name in OF_PIXELS and _torn(begin, content):
            raise ValueError(f"the checksum of its chunk {name.decode()} is wrong, on which its pixels depend")
        # The sixth bit of the first letter: a picture can be had without the chunk.
        if name[0] & 0x20 and name not in OF_PIXELS and (_torn(begin, content) or _unfolds(name, content)):
            left_out = True
        else:
            kept.append(begin + content)
    return b"".join(kept) if left_out else None


def _torn(begin: bytes, content: bytes) -> bool:
    return struct.pack(">I", zlib.crc32(begin[4:] + content[:-4])) != content[-4:]


def _unfolds(name: bytes, content: bytes) -> bool:
    """Whether it is a compressed text of less than `MOST_TEXT`, which Pillow refuses beyond a megabyte."""
    _, _, rest = content[:-4].partition(b"\0")
    if name == b"zTXt":
        packed = rest[1:]
    elif name == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].split(b"\0", 2)[-1]
    else:
        return False
    unfolding = zlib.decompressobj()
    try:
        unfolding.decompress(packed, MOST_TEXT)
    except zlib.error:
        return True
    return not unfolding.unconsumed_tail

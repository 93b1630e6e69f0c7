"""PNG that is much larger than wanted, a strip at a time by libvips where it is installed; all others by Pillow."""

import functools
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np

from ..storage.damage import silent
from . import pixels
from .pillow import from_pillow, png_bits
from .pixels import Raw, counted, refuse_many
from .png_chunks import BEGIN as BEGIN
from .png_chunks import MOST_TEXT
from .reducing import MOST_STREAMED, STRIP, BlockMeans, reduction

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
"""By the type of colour: grey, colour, both with opacity. Palettes are Pillow's."""
OF_PILLOW = frozenset((b"tRNS", b"eXIf", b"acTL"))
"""Chunks that change pixels, their order, or which of several pictures is meant; so are texts that unfold far."""
ROWS = 64
"""Most rows of a strip."""
UNFOLDS = 1040
"""Into so many times its bytes, at most, what is compressed by deflate unfolds."""


@final
@dataclass(frozen=True)
class Plain:
    """A PNG whose rows come one after the other, upright, as they are stored.

    Attributes:
        height: pixels down.
        width: pixels across.
        channels: numbers of a pixel; of 2 and 4 the last is opacity.
        bits: of a number, 8 or 16.
    """

    height: int
    width: int
    channels: int
    bits: int

    @classmethod
    def of(cls, path: Path) -> "Plain | None":
        """That in a file; None for what is stored in another way or has no pixels, and for files that end early."""
        with path.open("rb") as file:
            if file.read(8) != BEGIN or (begin := _chunk(file)) is None or begin[0] != b"IHDR":
                return None
            if len(begin[1]) < 13:
                return None
            width, height, bits, colours, _, _, interlaced = struct.unpack(">IIBBBBB", begin[1][:13])
            if not height or not width or colours not in CHANNELS or bits not in (8, 16) or interlaced:
                return None
            while (chunk := _chunk(file)) is not None:
                if chunk[0] in OF_PILLOW or (chunk[0] in (b"zTXt", b"iTXt") and chunk[2] > MOST_TEXT // UNFOLDS):
                    return None
                if chunk[0] == b"IEND":
                    return cls(height, width, CHANNELS[colours], bits)
        return None


@final
class _Refused(ValueError):
    """What libvips calls damaged."""


def from_png(path: Path, longest: int | None = None) -> Raw:
    """The picture in a file, upright; one that is much larger than `longest` is reduced as it is read.

    Raises:
        ValueError: if it is too large or damaged, or what Pillow raises.
    """
    plain = Plain.of(path) if longest is not None and _vips() is not None else None
    by = 1 if plain is None else reduction(plain.height, plain.width, longest)
    if plain is None or by == 1:
        return from_pillow(path, longest)
    try:
        return _in_strips(path, plain, by)
    except _Refused:
        # Pillow passes wrong checksums of pixels by: what it can read alone, it can read beside libvips.
        if plain.height * plain.width * plain.channels > pixels.MOST_VALUES:
            raise
    return from_pillow(path, longest)


def size_of_png(path: Path) -> tuple[int, int] | None:
    """Height and width of one that can be read a strip at a time; None: Pillow says it."""
    plain = Plain.of(path) if _vips() is not None else None
    return None if plain is None else (plain.height, plain.width)


def _in_strips(path: Path, plain: Plain, by: int) -> Raw:
    height, width, channels = plain.height, plain.width, plain.channels
    refuse_many(-(-height // by), -(-width // by), channels)
    values, claims = height * width * channels, f"it claims {width} × {height} pixels of {channels} channels"
    if values > MOST_STREAMED:
        raise ValueError(f"{claims}, and at most {MOST_STREAMED} values are read; cut it into tiles")
    if values * plain.bits // 8 > UNFOLDS * path.stat().st_size:
        raise ValueError(f"{claims}, more than its bytes unfold into")
    vips, of = _vips(), np.dtype(np.uint8 if plain.bits == 8 else np.uint16)
    means, step = BlockMeans(height, width, channels, by), min(ROWS, max(1, STRIP // (width * channels)))
    # By a descriptor: names need not be text in UTF-8, and what libvips remembers of a name may have changed since.
    with path.open("rb") as file, silent():
        try:
            source = vips.Source.new_from_descriptor(file.fileno())
            image = vips.Image.pngload_source(source, access="sequential", fail_on="error")
            rows = vips.Region.new(image)
            for row in range(0, height, step):
                strip = rows.fetch(0, row, width, min(step, height - row))
                means.add(np.frombuffer(strip, of).reshape(-1, width, channels), row, 0)
        except vips.Error as error:
            raise _Refused("broken data stream of a PNG") from error
    return Raw(means.values(), channels in (2, 4), counted(means.greatest, of, png_bits(path)), (height, width))


def _chunk(file: BinaryIO) -> tuple[bytes, bytes, int] | None:
    """The name of the next chunk, the first bytes of its content and their number; None at the end of the file."""
    begin = file.read(8)
    if len(begin) < 8:
        return None
    length, name = struct.unpack(">I4s", begin)
    content = file.read(min(length, 13))
    file.seek(length - len(content) + 4, 1)
    return name, content, length


@functools.cache
def _vips() -> Any:
    """The library, if it is there and works."""
    try:
        import pyvips  # type: ignore[import-untyped]
    except (ImportError, OSError):
        return None
    return pyvips

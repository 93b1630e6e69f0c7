"""Picture files of every kind, written by hand where no library does, for the tests."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import UInt8
from PIL import Image

HEIGHT, WIDTH = 20, 30
ORIENTATION = 0x0112


def ramp() -> UInt8[np.ndarray, "20 30 3"]:
    """Colours that tell the place: down in red, across in green."""
    down, across = np.linspace(0, 255, HEIGHT)[:, None], np.linspace(0, 255, WIDTH)[None]
    return np.stack([down + 0 * across, across + 0 * down, (down + across) / 2], axis=-1).round().astype(np.uint8)


UNDO: dict[int, Callable[[Any], Any]] = {
    1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x), 7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}  # fmt: skip
"""How a camera held that way stores what is upright."""


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, colour: int, pixels: bytes, *more: bytes) -> bytes:
    """A PNG of any depth, whatever its header claims; `more` are chunks before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    packed = chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + packed + chunk(b"IEND", b"")


def png_of(values: np.ndarray, *more: bytes) -> bytes:
    """A PNG of 16 bits: grey, or red, green and blue."""
    rows = b"".join(b"\0" + np.ascontiguousarray(row).astype(">u2").tobytes() for row in values)
    return png(values.shape[1], values.shape[0], 16, 2 if values.ndim == 3 else 0, rows, *more)


def save_turned(path: Path, values: np.ndarray, orientation: int, how: str) -> None:
    """What a camera held that way writes, in a format and a depth."""
    held = np.ascontiguousarray(UNDO[orientation](values))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    match how:
        case "jpg" | "png" | "webp":
            quality: dict[str, Any] = {"lossless": True} if how == "webp" else {"quality": 98} if how == "jpg" else {}
            Image.fromarray(held).save(path, exif=exif, **quality)
        case "palette.png":
            Image.fromarray(held).quantize(256).save(path, exif=exif)
        case "grey.png":
            Image.fromarray(held[..., 0]).save(path, exif=exif)
        case "deep.png" | "deep grey.png":
            deep = held.astype(np.uint16) * 257
            path.write_bytes(
                png_of(
                    deep if how == "deep.png" else deep[..., 0],
                    chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")),
                )
            )
        case "tif":
            tifffile.imwrite(path, held, photometric="rgb", extratags=[(ORIENTATION, "H", 1, orientation, True)])
        case "palette.tif" | "CMYK.tif" | "LAB.tif":
            mode = how.split(".")[0]
            image = Image.fromarray(held)
            image = image.quantize(256) if mode == "palette" else image.convert(mode)
            image.save(path, tiffinfo={ORIENTATION: orientation})
        case _:
            Image.fromarray(held).save(path, compression=how.removesuffix(".tif"), tiffinfo={ORIENTATION: orientation})


TURNED = (
    "jpg", "png", "webp", "palette.png", "grey.png", "deep.png", "deep grey.png", "tif", "palette.tif", "tiff_lzw.tif",
    "jpeg.tif", "CMYK.tif", "LAB.tif",
)  # fmt: skip

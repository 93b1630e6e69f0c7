"""Pictures by Pillow, and by torchvision where Pillow would lose the lower half of 16 bits."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..storage.damage import silent
from .pixels import Raw, bits_of, counted, refuse_many, upright
from .png_chunks import by_pillow
from .reducing import STRIP, BlockMeans, reduced, reduction

ORIENTATION = 0x0112
"""The tag of EXIF and TIFF."""
TO_COLOURS = ("CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa", "La")


def from_pillow(path: Path, longest: int | None = None) -> Raw:
    """The first picture in a file, upright; one that is much larger than `longest` is reduced (`read_picture`).

    Raises:
        ValueError: if it is too large, or what Pillow raises.
    """
    return by_pillow(path, lambda file: _picture(file, path, longest))


def _picture(file: Any, path: Path, longest: int | None) -> Raw:
    from PIL import ImageOps

    width, height = file.size
    whole = None
    if (by := reduction(height, width, longest)) > 1 and file.draft(None, (width // by or 1, height // by or 1)):
        # Only JPEG does it, by a power of two; it is turned later.
        whole = (width, height) if file.getexif().get(ORIENTATION, 1) >= 5 else (height, width)
    refuse_many(file.height, file.width, len(file.getbands()))
    said = png_bits(path) if file.format == "PNG" else None
    # Pillow keeps only the upper 8 bits of these.
    if file.format == "PNG" and file.mode in ("RGB", "RGBA", "LA") and _png_depth(path) == 16:
        raw = _from_torchvision(path)
        turned = int(file.getexif().get(ORIENTATION, 1))
        return _small(Raw(upright(raw.values, turned), raw.alpha, said), longest)
    file.load()  # of TIFF, Pillow turns the pixels now and forgets the tag; turned before, they would turn twice
    ImageOps.exif_transpose(file, in_place=True)
    by = reduction(file.height, file.width, longest)
    if by > 1 and file.mode != "I":  # whose type the values of all pixels say
        return _by_strips(file, by, said, whole)
    raw = values_of(file)
    return _small(Raw(raw.values, raw.alpha, said, whole), longest)


def _by_strips(image: Any, by: int, said: int | None, whole: tuple[int, int] | None) -> Raw:
    """As `_small`, of a picture that was decoded: no second copy of all its pixels is made."""
    step = max(1, STRIP // max(1, image.width * len(image.getbands())) // by) * by
    means, alpha, of = None, False, np.dtype(np.uint8)
    for row in range(0, image.height, step):
        strip = values_of(image.crop((0, row, image.width, min(row + step, image.height))))
        alpha, of = strip.alpha, strip.values.dtype
        means = means or BlockMeans(image.height, image.width, strip.values.shape[2], by)
        means.add(strip.values, row, 0)
    assert means is not None
    bits = counted(means.greatest, of, said) if of.kind == "u" else said
    return Raw(means.values(), alpha, bits, whole or (image.height, image.width))


def _small(raw: Raw, longest: int | None) -> Raw:
    """What is still much too large is reduced."""
    height, width = raw.values.shape[:2]
    by = reduction(height, width, longest)
    bits = bits_of(raw.values, raw.bits) if by > 1 and raw.values.dtype.kind == "u" else raw.bits
    return Raw(reduced(raw.values, by), raw.alpha, bits, raw.whole)


def size_by_pillow(path: Path) -> tuple[int, int]:
    """Height and width of the upright picture, from the header."""
    return by_pillow(path, _size)


def _size(file: Any) -> tuple[int, int]:
    width, height = file.size
    refuse_many(height, width, len(file.getbands()))
    return (width, height) if file.getexif().get(ORIENTATION, 1) >= 5 else (height, width)


def orientation_of(path: Path) -> int:
    """The number of a picture's orientation; 1 for stored upright, and where Pillow cannot tell."""
    from PIL import Image

    try:
        return by_pillow(path, lambda file: int(file.getexif().get(ORIENTATION, 1)))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 1


def values_of(image: Any) -> Raw:
    """A picture of PIL; what it says to be transparent gets a channel of opacity."""
    clear = "transparency" in image.info
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if clear or image.mode == "PA" else "RGB")
    elif image.mode in TO_COLOURS:
        image = image.convert("RGBA" if image.mode == "RGBa" else "LA" if image.mode == "La" else "RGB")
    elif clear and image.mode in ("1", "L", "RGB"):
        image = image.convert("RGBA" if image.mode == "RGB" else "LA")
    values = np.asarray(image)
    if image.mode == "I":  # 16-bit pictures of old formats come as 32-bit integers
        values = values.astype(np.uint16 if values.min() >= 0 and values.max() < 2**16 else np.float32)
    return Raw(values if values.ndim == 3 else values[..., None], image.mode in ("RGBA", "LA"))


def _png_depth(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(25)[24]


def png_bits(path: Path) -> int | None:
    """The bits that count as a PNG's chunk sBIT says, which comes before the pixels."""
    with path.open("rb") as file:
        file.seek(8)
        for _ in range(64):
            begin = file.read(8)
            if len(begin) < 8:
                return None
            length, name = struct.unpack(">I4s", begin)
            if name == b"sBIT":
                said = max(file.read(min(length, 4)), default=0)
                return said if 8 < said < 16 else None
            if name in (b"IDAT", b"IEND"):
                return None
            file.seek(length + 4, 1)
    return None


def _from_torchvision(path: Path) -> Raw:
    import torch
    from torchvision.io import ImageReadMode, decode_image

    content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    with silent():  # libpng says by itself what it then raises
        pixels = decode_image(content, ImageReadMode.UNCHANGED)
    return Raw(pixels.permute(1, 2, 0).numpy(), len(pixels) in (2, 4))

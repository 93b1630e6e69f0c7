"""Folders of numbered images: each is one clip."""

import math
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import UInt8

from gestalt.core.data.items import BadItemError

from .reading import NEAR, Header, Stretch, scaled

if TYPE_CHECKING:
    from PIL import Image

IMAGES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm"))
ADVICE = "export the frame again, remove the folder, or leave it out with --skip-bad"


@lru_cache(maxsize=64)
def frames_of(folder: Path) -> tuple[Path, ...]:
    """The images of a folder whose names end in a number, in the order of the numbers."""
    numbered = [
        (int(found[1]), path.name, path)
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGES and not path.name.startswith(".") and path.is_file()
        if (found := re.search(r"(\d+)$", path.stem))
    ]
    return tuple(path for _, _, path in sorted(numbered))


def read_header(folder: Path, rate: float) -> Header:
    """Length of a clip whose frames are shown for 1 / `rate` seconds each."""
    return Header(len(frames_of(folder)) / rate, rate)


def decode(folder: Path, header: Header, start: float, seconds: float, rate: float | None, size: int | None) -> Stretch:
    """The frames shown from `start` on, as `reading.decode` gives those of a file.

    Raises:
        BadItemError: if an image cannot be read, or has another size than the first.
    """
    paths = frames_of(folder)
    first = int(start * header.rate + 1e-6)
    last = min(len(paths), max(first + 1, math.ceil((start + seconds) * header.rate - 1e-6)))
    step = 1 if rate is None else max(1, round(header.rate / rate))
    numbers = range(first, last, step)
    pictures = [_picture(paths[number], size) for number in numbers]
    for number, picture in zip(numbers, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise BadItemError(
                str(paths[number]),
                f"is {picture.shape[1]}×{picture.shape[0]} pixels, other frames of its folder are "
                f"{pictures[0].shape[1]}×{pictures[0].shape[0]}; {ADVICE}",
            )
    if not pictures:
        return Stretch(torch.zeros(0, 3, 1, 1, dtype=torch.uint8), (start,))
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    end = min(last / header.rate, start + seconds)
    times = (*(max(start, number / header.rate) for number in numbers), end)
    return Stretch(stacked, times, first / header.rate < start - NEAR)


def _colours(image: "Image.Image") -> "Image.Image":
    """Red, green and blue in 8 bits, upright: 16 bits keep their upper half, and what is transparent lies on white.

    Raises:
        ValueError: for floating-point frames, of whose white and black nothing is known.
    """
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in ("F", "I"):
        raise ValueError(f"its pixels are of mode {image.mode}, not 8 or 16 bits")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), opaque)
    return image.convert("RGB")


def _picture(path: Path, size: int | None) -> UInt8[np.ndarray, "height width 3"]:
    from PIL import Image

    if path.stat().st_size == 0:
        raise BadItemError(str(path), f"the file has no bytes; {ADVICE}")
    try:
        with Image.open(path) as image:
            turned = _colours(image)
            wanted = scaled(turned.width, turned.height, size)
            return np.array(turned if wanted == turned.size else turned.resize(wanted, Image.Resampling.BOX))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadItemError(str(path), f"cannot be read as an image ({error}); {ADVICE}") from error

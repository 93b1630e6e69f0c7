"""Decoding any picture file to channels × height × width in [0, 1]."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.data.items import BadItemError
from gestalt.core.pictures.pixels import scaled
from gestalt.core.pictures.reading import ADVICE, read_picture

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".avif", ".ppm", ".pgm", ".pbm", ".npy")
)
REFUSED = frozenset((".heic", ".heif", ".jxl"))
"""Photographs that are not read, and not passed over in silence."""
SMALLEST = 16
"""Pixels along either side; less shows no objects."""
LUMINANCE = (0.2989, 0.5870, 0.1140)
"""Weights of red, green and blue in grey: ITU-R BT.601, as the patent application on SemPPL has them."""


def decode(path: Path, channels: int | None, longest: int | None) -> Float[Tensor, "channels height width"]:
    """The picture in a file, upright, with `channels` channels (None: its own), at most `longest` pixels a side.

    Integers of 8 and 16 bits are divided by the greatest value of the bits that count: 16 that never need more than 12
    are a camera's 12. Other numbers that leave [0, 1] are stretched from their least to their greatest. Of an animation
    or a file of several pages the first is taken, unless ImageJ or OME says that its pages are channels.

    Raises:
        BadItemError: if it is empty, damaged, no picture, too small or large, not finite, or its channels cannot be
            converted.
    """
    raw = read_picture(path, longest)
    values, (height, width) = raw.values, raw.whole
    if min(height, width) < SMALLEST:
        raise BadItemError(str(path), _too_small(path, height, width, values.shape[2]))
    if not np.isfinite(values).all():
        raise BadItemError(str(path), f"holds NaN or infinite values; {ADVICE}")
    pixels = torch.from_numpy(scaled(np.ascontiguousarray(values.transpose(2, 0, 1)), raw.bits))
    return shrunk(converted(pixels, channels, raw.alpha, str(path)), longest, raw.whole)


def _too_small(path: Path, height: int, width: int, channels: int) -> str:
    said = f"is too small: {width} × {height} pixels, and at least {SMALLEST} along either side are needed; "
    if path.suffix.lower() == ".npy" and channels >= SMALLEST:
        said += (
            f"an array is read as height × width × channels, this one has {channels} channels: if these come first, "
            "move them to the end (numpy.moveaxis(values, 0, -1)); else "
        )
    return said + "enlarge it, remove it, or leave it out with --skip-bad"


def shrunk(
    pixels: Float[Tensor, "channels height width"], longest: int | None, whole: tuple[int, int] | None = None
) -> Float[Tensor, "channels _ _"]:
    """The picture, made smaller if its longer side exceeds `longest` pixels.

    `whole` are the height and width that it had before it was reduced, from which its size follows.
    """
    height, width = whole or pixels.shape[1:]
    if longest is None or max(height, width) <= longest:
        return pixels
    from torchvision.transforms.v2 import functional

    ratio = longest / max(height, width)
    size = [max(1, round(height * ratio)), max(1, round(width * ratio))]
    smaller: Tensor = functional.resize(pixels, size, antialias=True)
    return smaller.clamp(0, 1)


def converted(
    pixels: Float[Tensor, "channels height width"], channels: int | None, alpha: bool, name: str
) -> Float[Tensor, "other height width"]:
    """The same picture with another number of channels.

    Grey is repeated and colour becomes luminance; where the last channel is opacity (`alpha`), the picture is laid on
    white first. Any other conversion would guess.

    Raises:
        BadItemError: for any other conversion.
    """
    found = len(pixels)
    if channels is None or found == channels:
        return pixels
    if alpha:
        pixels = pixels[:-1] * pixels[-1:] + (1 - pixels[-1:])
    if len(pixels) == channels:
        return pixels
    if len(pixels) == 1 and channels == 3:
        return pixels.expand(3, -1, -1).contiguous()
    if len(pixels) == 3 and channels == 1:
        return (pixels * pixels.new_tensor(LUMINANCE)[:, None, None]).sum(dim=0, keepdim=True)
    raise BadItemError(
        name,
        f"has {found} channels, and {channels} are wanted: only grey and colour are converted into each other; "
        f"read it with Image(channels={found}), or choose {channels} of its channels and save them",
    )

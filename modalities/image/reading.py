"""Decoding any picture file to channels × height × width in [0, 1]."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gestalt.core.data.items import BadItemError

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".pbm", ".npy")
)
SMALLEST = 16
"""Pixels along either side; less shows no objects."""
ADVICE = "convert it to png, remove it, or leave it out with --skip-bad"
LUMINANCE = (0.2989, 0.5870, 0.1140)
"""Weights of red, green and blue in grey: ITU-R BT.601, as the patent application on SemPPL has them."""

Pixels = NDArray[Any]


def decode(path: Path, channels: int | None, longest: int | None) -> Float[Tensor, "channels height width"]:
    """The picture in a file, upright, with `channels` channels (None: its own), at most `longest` pixels a side.

    Integers of 8 and 16 bits are divided by the greatest value of their type. Other numbers that leave [0, 1] are
    stretched from their least to their greatest. Of an animation or a file of several pages the first is taken, unless
    ImageJ or OME says that its pages are channels.

    Raises:
        BadItemError: if it is empty, damaged, no picture, too small, not finite, or its channels cannot be converted.
    """
    values, alpha = _values(path)
    if min(values.shape[:2]) < SMALLEST:
        height, width = values.shape[:2]
        raise BadItemError(
            str(path),
            f"is too small: {width} × {height} pixels, and at least {SMALLEST} along either side are needed; "
            "enlarge it, remove it, or leave it out with --skip-bad",
        )
    if not np.isfinite(values).all():
        raise BadItemError(str(path), f"holds NaN or infinite values; {ADVICE}")
    pixels = torch.from_numpy(np.ascontiguousarray(scaled(values).transpose(2, 0, 1)))
    return shrunk(converted(pixels, channels, alpha, str(path)), longest)


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of the upright picture in a file, from its header where that is enough.

    Raises:
        BadItemError: if it is empty, damaged or no picture.
    """
    if path.suffix.lower() in (".npy", ".tif", ".tiff"):
        height, width = _values(path)[0].shape[:2]
        return int(height), int(width)
    from PIL import Image, UnidentifiedImageError

    _refuse_empty(path)
    try:
        with _quiet(), Image.open(path) as file:
            width, height = file.size
            turned = file.getexif().get(0x0112, 1) >= 5
            return (width, height) if turned else (height, width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, UnidentifiedImageError) as error:
        raise _unreadable(path, error) from error


def shrunk(pixels: Float[Tensor, "channels height width"], longest: int | None) -> Float[Tensor, "channels _ _"]:
    """The picture, made smaller if its longer side exceeds `longest` pixels."""
    height, width = pixels.shape[1:]
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


def _quiet() -> "warnings.catch_warnings[None]":
    """Damaged metadata and large pictures are no reason to warn: what matters is whether the pixels can be had."""
    return warnings.catch_warnings(action="ignore")


def _refuse_empty(path: Path) -> None:
    if path.stat().st_size == 0:
        raise BadItemError(str(path), f"the file has no bytes; copy or save it again, {ADVICE.split(', ', 1)[1]}")


def _unreadable(path: Path, error: Exception) -> BadItemError:
    reason = str(error).replace(f" '{path}'", "").replace(str(path), "the file").strip().rstrip(".")
    return BadItemError(str(path), f"cannot be read as a picture ({reason or type(error).__name__}); {ADVICE}")


def _values(path: Path) -> tuple[Pixels, bool]:
    """Height × width × channels as the file has them, and whether the last channel is opacity."""
    _refuse_empty(path)
    readers = {".npy": _from_array, ".tif": _from_tiff, ".tiff": _from_tiff}
    try:
        with _quiet():
            return readers.get(path.suffix.lower(), _from_pillow)(path)
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, KeyError, IndexError, MemoryError) as error:
        raise _unreadable(path, error) from error


def _from_array(path: Path) -> tuple[Pixels, bool]:
    values = np.load(path, allow_pickle=False)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.dtype.kind not in "buif":
        raise ValueError(f"expected height × width or height × width × channels, got {values.shape} {values.dtype}")
    return values, False


def _from_tiff(path: Path) -> tuple[Pixels, bool]:
    """Any type and number of channels by tifffile; what needs its optional codecs goes to Pillow."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            if str(page.photometric.name) in ("PALETTE", "CIELAB", "YCBCR", "SEPARATED"):
                return _from_pillow(path)
            # Microscopes write one page for every channel, and say so.
            channels = (file.is_imagej or file.is_ome) and file.series[0].axes == "CYX"
            values, axes = (file.series[0].asarray(), "CYX") if channels else (page.asarray(), page.axes)
            alpha = any("ALPHA" in extra.name for extra in page.extrasamples)
            turned = int(page.tags.valueof("Orientation", 1))
            inverted = str(page.photometric.name) == "MINISWHITE"
    except (tifffile.TiffFileError, ValueError):
        return _from_pillow(path)
    if axes in ("SYX", "CYX"):  # stored plane by plane
        values = values.transpose(1, 2, 0)
    if axes == "YX":
        values = values[..., None]
    if values.ndim != 3 or values.dtype.kind not in "buif":
        raise ValueError(f"expected a page of height × width × channels, got axes {axes} and {values.dtype}")
    if inverted:
        values = ~values if values.dtype.kind in "bui" else values.max() - values
    return upright(values, turned), alpha


def upright(values: Pixels, orientation: int) -> Pixels:
    """Rows and columns in the order in which the eye has them, by the number that EXIF and TIFF share."""
    values = values.swapaxes(0, 1) if orientation >= 5 else values
    down, across = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return values[:: -1 if down else 1, :: -1 if across else 1]


def _from_pillow(path: Path) -> tuple[Pixels, bool]:
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            deep = file.format == "PNG" and file.mode in ("RGB", "RGBA", "LA") and _png_depth(path) == 16
            if deep:  # Pillow keeps only the upper 8 bits of these
                values, alpha = _from_torchvision(path)
                return upright(values, int(file.getexif().get(0x0112, 1))), alpha
            return values_of(ImageOps.exif_transpose(file))
    except Image.DecompressionBombError as error:
        raise ValueError(f"{error}; cut it into tiles") from error


def values_of(image: Any) -> tuple[Pixels, bool]:
    """A picture of PIL as height × width × channels, and whether the last channel is opacity."""
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    elif image.mode in ("CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa", "La"):
        image = image.convert("RGB")
    values = np.asarray(image)
    if image.mode == "I":  # 16-bit pictures of old formats come as 32-bit integers
        values = values.astype(np.uint16 if values.min() >= 0 and values.max() < 2**16 else np.float32)
    return (values if values.ndim == 3 else values[..., None]), image.mode in ("RGBA", "LA")


def _png_depth(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(25)[24]


def _from_torchvision(path: Path) -> tuple[Pixels, bool]:
    from torchvision.io import ImageReadMode, decode_image

    content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    pixels: Tensor = decode_image(content, ImageReadMode.UNCHANGED)
    return pixels.permute(1, 2, 0).numpy(), len(pixels) in (2, 4)


def scaled(values: Pixels) -> Float[np.ndarray, "height width channels"]:
    """Values in [0, 1]: integers of 8 and 16 bits over the greatest of their type, others as `decode` says."""
    if values.dtype == np.bool_:
        return values.astype(np.float32)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    floats = values.astype(np.float32)
    low, high = float(floats.min()), float(floats.max())
    if low >= 0 and high <= 1:
        return floats
    return (floats - low) / max(high - low, 1e-12)

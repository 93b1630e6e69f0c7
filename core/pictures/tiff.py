"""TIFF of any type and number of channels, by tifffile."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..storage.damage import silent
from .pillow import from_pillow
from .pixels import Pixels, Raw, bits_of, counted, refuse_many, upright
from .reducing import MOST_STREAMED, BlockMeans, reduction

OF_PILLOW = frozenset(("PALETTE", "CIELAB", "ICCLAB", "YCBCR", "SEPARATED"))
"""Ways of colour that Pillow turns into red, green and blue."""


def from_tiff(path: Path, longest: int | None = None) -> Raw:
    """The first page, or the pages that ImageJ or OME calls channels; what needs optional codecs goes to Pillow.

    A picture that is much larger than `longest` is reduced as its tiles or strips are read (`read_picture`).

    Raises:
        ValueError: if it is a camera's raw file, too large, or of no shape that a picture has.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            _refuse_raw(page)
            # Microscopes write one page for every channel, and say so.
            channels = (file.is_imagej or file.is_ome) and file.series[0].axes == "CYX"
            per_pixel, depth = _whole(page.samplesperpixel), _whole(page.imagedepth)
            planes = len(file.series[0].pages) if channels else per_pixel * depth
            height, width = _whole(page.imagelength), _whole(page.imagewidth)
            colours = _name(page.photometric)
            by = 1 if colours in OF_PILLOW or depth > 1 else reduction(height, width, longest)
            refuse_many(-(-height // by), -(-width // by), planes)
            if max(page.databytecounts, default=0) > path.stat().st_size:
                raise ValueError("it claims more bytes for a part of the picture than there are in the file")
            if not height or not width or math.prod(page.chunked) > path.stat().st_size:
                raise ValueError(f"it claims {width} × {height} pixels in {math.prod(page.chunked)} parts")
            if colours in OF_PILLOW:
                return _quietly(path, longest)
            bits = None
            if by > 1:
                means = _in_parts(file.series[0].pages if channels else [page], height, width, planes, by)
                values, axes = means.values(), "YXS"
                bits = counted(means.greatest, values.dtype, _bits(page)) if values.dtype.kind == "u" else None
            else:
                values, axes = (file.series[0].asarray(), "CYX") if channels else (page.asarray(), page.axes)
            extras = [_name(extra) for extra in page.extrasamples]
            turned = _whole(page.tags.valueof("Orientation", 1))
            inverted = colours == "MINISWHITE"
            said = bits or _bits(page)
    except (tifffile.TiffFileError, NotImplementedError, ImportError) as error:
        return _by_pillow(path, longest, error)
    except ValueError as error:  # tifffile's own, where a codec is missing
        if "requires the 'imagecodecs'" not in str(error):
            raise
        return _by_pillow(path, longest, error)
    if axes in ("SYX", "CYX"):  # stored plane by plane
        values = values.transpose(1, 2, 0)
    if axes == "YX":
        values = values[..., None]
    if values.ndim != 3 or values.dtype.kind not in "buif":
        raise ValueError(f"expected a page of height × width × channels, got axes {axes} and {values.dtype}")
    if inverted:
        values = _inverted(values, said)
    alpha = any("ALPHA" in extra for extra in extras)
    if "ASSOCALPHA" in extras:
        values = _unmultiplied(values)
    return Raw(upright(values, turned), alpha, said, (width, height) if turned >= 5 else (height, width))


def _in_parts(pages: Sequence[Any], height: int, width: int, channels: int, by: int) -> BlockMeans:
    """The means of blocks of by × by pixels; pages are channels where there are several.

    Raises:
        ValueError: if the whole, or what has to be decoded at a time, is too large.
    """
    if height * width * channels > MOST_STREAMED:
        raise ValueError(
            f"it claims {width} × {height} pixels of {channels} channels, and at most {MOST_STREAMED} values are read; "
            "cut it into tiles"
        )
    means = BlockMeans(height, width, channels, by)
    for number, page in enumerate(pages):
        if page.is_memmappable:  # one strip, perhaps, but as it lies on disk
            values = page.asarray(out="memmap")
            planes = values.transpose(1, 2, 0) if page.axes == "SYX" else values.reshape(height, width, -1)
            means.add_rows(planes, number)
            continue
        refuse_many(*page.chunks)
        for part, (plane, _, row, column, _), _ in page.segments(maxworkers=1):
            if part is not None:  # a sparse file leaves out what is all zeros
                means.add(part[0], row, column, number + plane)
    return means


def _by_pillow(path: Path, longest: int | None, error: Exception) -> Raw:
    """What Pillow makes of it; where that is nothing, what tifffile said."""
    try:
        return _quietly(path, longest)
    except Exception as other:
        raise ValueError(f"{error}; {other}") from other


def _quietly(path: Path, longest: int | None) -> Raw:
    with silent():  # libtiff says by itself what Pillow then raises
        return from_pillow(path, longest)


def _name(value: Any) -> str:
    """What tifffile calls a number of the format; nothing for a number that it does not know."""
    return str(getattr(value, "name", ""))


def _whole(value: Any) -> int:
    """A tag that is one number.

    Raises:
        ValueError: if it holds several, or something else.
    """
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"one of its tags is no number but {value!r:.40}")
    return value


def _refuse_raw(page: Any) -> None:
    """Cameras' raw files are TIFFs that begin with a thumbnail, or with a mosaic of filters."""
    mosaic = _name(page.photometric) in ("CFA", "LINEAR_RAW")
    thumbnail = page.is_reduced and "SubIFDs" in page.tags
    if mosaic or thumbnail or "DNGVersion" in page.tags:
        raise ValueError("it is a camera's raw file, which is not read; develop it and export it as TIFF or JPEG")


def _bits(page: Any) -> int | None:
    """Bits that count, where the file says so."""
    said = page.bitspersample
    if isinstance(said, int) and 8 < said < 16:
        return said
    most = page.tags.valueof("MaxSampleValue")
    most = max(most) if isinstance(most, tuple) else most
    return int(most).bit_length() if isinstance(most, int) and 256 <= most < 2**16 - 1 else None


def _inverted(values: Pixels, said: int | None) -> Pixels:
    """White that is stored as 0 as it is seen."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        white = np.array(2 ** bits_of(values, said) - 1, values.dtype)
        inverted: Pixels = white - values
        return inverted
    return ~values if values.dtype.kind in "bui" else values.max() - values


def _unmultiplied(values: Pixels) -> Pixels:
    """Colours that are stored times their opacity as they are."""
    most = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1.0
    opacity = values[..., -1:].astype(np.float64) / most
    colours = np.where(opacity > 0, values[..., :-1] / np.maximum(opacity, 1e-9), 0).clip(0, most)
    return np.concatenate([colours.round() if values.dtype.kind in "ui" else colours, values[..., -1:]], axis=2).astype(
        values.dtype
    )

"""Any picture file, decoded by the one reader of its format; whatever is wrong with it names it."""

import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..data.items import BadItemError
from ..data.reasons import reason_of
from ..shards.files import at_hand
from .pillow import from_pillow, size_by_pillow
from .pixels import Raw, channels_last, counted, refuse_many
from .png import from_png, size_of_png
from .png_chunks import by_pillow
from .reducing import BlockMeans, reduction
from .tiff import from_tiff
from .unsupported import EXPORT, what_it_is

ADVICE = "convert it to png, remove it, or leave it out with --skip-bad"
BY_VALUES = frozenset((".npy", ".tif", ".tiff"))
"""Endings of files whose size is known when they are decoded."""
NUMBERS = ("1", "L", "P", "I", "I;16", "I;16B")
"""Modes of Pillow with one number a pixel."""

ResultT = TypeVar("ResultT")


def read_picture(path: Path, longest: int | None = None) -> Raw:
    """The first picture in a file, upright, with the values and channels that it has.

    Args:
        path: the file.
        longest: pixels a side that are wanted at most. A picture of more than half as many again is reduced to the
            means of square blocks as it is read, yet to no fewer than are wanted: JPEG by its own decoder; TIFF, arrays
            and, where pyvips is installed, PNG a part at a time, so that memory does not grow with the file; others
            are decoded whole. None reads all pixels.

    Raises:
        BadItemError: if it is empty, damaged, no picture, or too large.
    """
    readers = {".npy": _from_array, ".tif": from_tiff, ".tiff": from_tiff}
    read = readers.get(path.suffix.lower(), _by_content)
    with at_hand(path) as file:
        return _named(file, lambda there: read(there, longest))


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of the upright picture in a file, from its header where that is enough.

    Raises:
        BadItemError: as `read_picture`, of what the header shows.
    """
    if path.suffix.lower() in BY_VALUES:
        return read_picture(path, longest=1).whole
    with at_hand(path) as file:
        return _named(file, lambda there: size_of_png(there) or size_by_pillow(there))


def read_numbers(path: Path, advice: str) -> NDArray[np.int32]:
    """The pixels of an index PNG, upright by its EXIF as pictures are.

    Raises:
        BadItemError: if it cannot be read, or has colours instead of numbers.
    """
    try:
        with quiet():
            return by_pillow(path, lambda file: _numbers(file, path, advice))
    except BadItemError:
        raise
    except Exception as error:
        raise BadItemError(str(path), f"cannot be read as a PNG ({reason_of(error)}); {advice}") from error


def _numbers(file: Any, path: Path, advice: str) -> NDArray[np.int32]:
    from PIL import ImageOps

    if file.mode not in NUMBERS:
        raise BadItemError(
            str(path),
            f"has colours (mode {file.mode}), an index PNG has one number a pixel, 0 for none; {advice}",
        )
    refuse_many(file.height, file.width)
    file.load()
    return np.asarray(ImageOps.exif_transpose(file)).astype(np.int32)


def _named(path: Path, read: Callable[[Path], ResultT]) -> ResultT:
    try:
        if path.stat().st_size == 0:
            raise BadItemError(str(path), f"the file has no bytes; copy or save it again, {ADVICE.split(', ', 1)[1]}")
        with quiet():
            return read(path)
    except BadItemError:
        raise
    except Exception as error:  # libraries raise whatever they like at torn bytes
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> BadItemError:
    known = what_it_is(path) if path.is_file() else None
    if known is not None:
        return BadItemError(str(path), f"is {known}, which is not read; {EXPORT}, or leave it out with --skip-bad")
    reason = re.sub(r" <_io[^>]*>", "", reason_of(error)).replace(f" '{path}'", "").replace(str(path), "the file")
    reason = reason.strip().rstrip(".")
    return BadItemError(str(path), f"cannot be read as a picture ({reason}); {ADVICE}")


@contextmanager
def quiet() -> Iterator[None]:
    """Damaged metadata and large pictures are no reason to warn: what matters is whether the pixels can be had."""
    log = logging.getLogger("tifffile")
    before, log.disabled = log.disabled, True  # another level would empty what all loggers of the process remember
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        log.disabled = before


def _by_content(path: Path, longest: int | None) -> Raw:
    """Pillow tells formats by their content; a TIFF by another name has tifffile's reader nevertheless."""
    with path.open("rb") as file:
        begin = file.read(4)
    if begin in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return from_tiff(path, longest)
    return from_png(path, longest) if begin == b"\x89PNG" else from_pillow(path, longest)


def _from_array(path: Path, longest: int | None) -> Raw:
    # Mapped, a file is never read beyond its end, whatever shape its header claims.
    values = np.load(path, allow_pickle=False, mmap_mode="r")
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.dtype.kind not in "buif":
        raise ValueError(f"expected height × width or height × width × channels, got {values.shape} {values.dtype}")
    values = channels_last(values)
    height, width, channels = values.shape
    by = reduction(height, width, longest)
    refuse_many(-(-height // by), -(-width // by), channels)
    if by == 1:
        return Raw(np.array(values))
    means = BlockMeans(height, width, channels, by)
    means.add_rows(values)
    return Raw(means.values(), bits=counted(means.greatest, values.dtype, None), size=(height, width))

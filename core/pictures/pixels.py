"""The pixels of a picture as its file has them, and what they mean."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Pixels = NDArray[Any]

MOST_VALUES = 2**28
"""Pixels × channels of a picture or a frame; more is cut into tiles by whoever has it, or unfolds from a tiny file."""
TWELVE, SIXTEEN = 12, 16
COUNTS = (1, 3, 4)
"""Channels of grey, of colour, and of colour with opacity."""


@final
@dataclass(frozen=True)
class Raw:
    """Height × width × channels, upright, of the file's own type.

    `alpha` says that the last channel is opacity. `bits` are those of unsigned integers that count, where the file
    says it: cameras put 12 into 16. `size` is the height and width of the whole where `values` are fewer, since the
    picture was reduced as it was read.
    """

    values: Pixels
    alpha: bool = False
    bits: int | None = None
    size: tuple[int, int] | None = None

    @property
    def whole(self) -> tuple[int, int]:
        """Height and width of the picture in the file."""
        return self.size or (int(self.values.shape[0]), int(self.values.shape[1]))


def refuse_many(height: int, width: int, channels: int = 1) -> None:
    """Nothing, for a picture that fits into memory.

    Raises:
        ValueError: for one of more than `MOST_VALUES`.
    """
    if height * width * channels > MOST_VALUES:
        raise ValueError(
            f"it claims {width} × {height} pixels of {channels} channels, and at most {MOST_VALUES} values are read; "
            "cut it into tiles"
        )


def channels_last(values: Pixels) -> Pixels:
    """Height × width × channels of an array that may be channels × height × width, as networks have pictures.

    A picture of one, three or four rows of pixels shows nothing; so where the first axis is that short and the last one
    is not, the first has the channels.

    Example:
        >>> channels_last(np.zeros((3, 40, 50))).shape, channels_last(np.zeros((40, 50, 3))).shape
        ((40, 50, 3), (40, 50, 3))
    """
    first, _, last = values.shape
    return np.moveaxis(values, 0, -1) if first in COUNTS and last not in COUNTS else values


def upright(values: Pixels, orientation: int) -> Pixels:
    """Rows and columns in the order in which the eye has them, by the number that EXIF and TIFF share."""
    values = values.swapaxes(0, 1) if orientation >= 5 else values
    down, across = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return values[:: -1 if down else 1, :: -1 if across else 1]


def bits_of(values: Pixels, said: int | None = None) -> int:
    """How many bits of unsigned integers count: as the file says, or 12 of 16 where no value needs more.

    Example:
        >>> bits_of(np.array([4095], np.uint16)), bits_of(np.array([4096], np.uint16)), bits_of(np.array([9], np.uint8))
        (12, 16, 8)
    """
    return counted(float(values.max()) if values.size else None, values.dtype, said)


def counted(greatest: float | None, of: np.dtype[Any], said: int | None) -> int:
    """As `bits_of`, by the greatest of the values and their type."""
    own = of.itemsize * 8
    if said is not None and 0 < said <= own and (greatest is None or greatest < 2**said):
        return said
    return TWELVE if own == SIXTEEN and greatest is not None and greatest < 2**TWELVE else own


def scaled(values: Pixels, bits: int | None = None) -> Float[np.ndarray, "height width channels"]:
    """Values in [0, 1]: integers of 8 and 16 bits over the greatest of the bits that count, see `bits_of`.

    Other numbers that leave [0, 1] are stretched from their least to their greatest.
    """
    if values.dtype == np.bool_:
        return values.astype(np.float32)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        floats = values.astype(np.float32)
        floats /= np.float32(2 ** bits_of(values, bits) - 1)  # in place: large pictures are not copied once more
        return floats
    floats = values.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return floats
    if max(-low, high) > 1e30:  # beyond what the smaller floats can subtract
        return ((values / max(-low, high) + 1) / 2).astype(np.float32)
    return (floats - low) / max(high - low, 1e-12)

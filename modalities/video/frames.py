"""A decoded frame as a picture of the wanted size, the right way up."""

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

MOST_PIXELS = 40_000_000
"""Of a picture: beyond 8K, and a decoder that keeps a few of them stays below a gigabyte."""
MOST_ALONG = 16_384
"""Along either side: a strip that is longer keeps its length when its shorter side is brought to the wanted size."""
QUARTER = 0.1
"""Of a display matrix: what lies beside the axes by more is no turn by quarters."""


def scaled(width: int, height: int, size: int | None) -> tuple[int, int]:
    """Width and height brought to a shorter side of `size` pixels; never enlarged.

    Example:
        >>> scaled(1920, 1080, 112), scaled(64, 48, 112)
        ((199, 112), (64, 48))
    """
    shorter = min(width, height)
    if size is None or shorter <= size:
        return width, height
    return max(1, round(width * size / shorter)), max(1, round(height * size / shorter))


def refuse_large(height: int, width: int) -> None:
    """Nothing, for pictures of which a decoder holds a few in bounded memory.

    Raises:
        ValueError: for larger ones.
    """
    if height * width > MOST_PIXELS or max(height, width) > MOST_ALONG:
        raise ValueError(
            f"it claims pictures of {width} × {height} pixels, and at most {MOST_PIXELS} pixels are decoded, "
            f"{MOST_ALONG} along a side; make it smaller (ffmpeg -i FILE -vf scale=1920:-2 SMALLER)"
        )


def picture_of(
    frame: "VideoFrame", size: int | None, reformatter: "VideoReformatter"
) -> UInt8[np.ndarray, "height width 3"]:
    """Red, green and blue of a frame.

    Args:
        frame: as it was decoded.
        size: of the shorter side, in pixels, if it is longer; None never scales.
        reformatter: one for all frames of a stretch. A frame left to itself makes its own, and threads for it, which
            stay as long as the frame.

    Raises:
        ValueError: if it is too large, or turned by an angle that is no quarter.
    """
    refuse_large(frame.height, frame.width)
    width, height = scaled(frame.width, frame.height, size)
    shown = reformatter.reformat(frame, width=width, height=height, format="rgb24", threads=1)
    return as_shown(shown.to_ndarray(), display_matrix(frame))


def display_matrix(frame: "VideoFrame") -> tuple[int, int, int, int]:
    """How a player moves a pixel (x, y) to (a x + c y, b x + d y): a, b, c, d."""
    sides: Any = frame.side_data  # its types say that it holds names
    for data in sides:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d, *_ = struct.unpack("<9i", bytes(data)[:36])
            return a, b, c, d
    return 1, 0, 0, 1


def as_shown(
    picture: UInt8[np.ndarray, "height width 3"], matrix: tuple[int, int, int, int]
) -> UInt8[np.ndarray, "_ _ 3"]:
    """A picture as players show it: telephones store it turned or mirrored, and say so.

    Raises:
        ValueError: if it is turned by an angle that is no quarter.

    Example: a mirror image.

        >>> as_shown(np.arange(6, dtype=np.uint8).reshape(1, 2, 3), (-65536, 0, 0, 65536))[0, :, 0].tolist()
        [3, 0]
    """
    a, b, c, d = matrix
    if not any(matrix):
        return picture
    on_side = abs(b) > abs(a)
    if (max(abs(a), abs(d)) if on_side else max(abs(b), abs(c))) > QUARTER * max(map(abs, matrix)):
        raise ValueError("it is to be shown turned by an angle that is no quarter; turn it and save it upright")
    if on_side:
        picture = picture.swapaxes(0, 1)
    down, across = (b, c) if on_side else (d, a)
    return np.ascontiguousarray(picture[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])

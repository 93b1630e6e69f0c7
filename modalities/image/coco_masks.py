"""Segmentations as COCO's annotations have them: polygons, and run lengths, compressed or not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool


def mask_of(segmentation: Any, height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """The pixels of one annotation's segmentation.

    A pixel is inside a polygon if its middle is; of several polygons, any.

    Raises:
        ValueError: if it is of no known form, or does not fit a picture of that size.

    Example: a box as a polygon, and the same as run lengths down the columns.

        >>> mask_of([[1, 0, 3, 0, 3, 2, 1, 2]], 2, 3).astype(int).tolist()
        [[0, 1, 1], [0, 1, 1]]
        >>> mask_of({"size": [2, 3], "counts": [2, 4]}, 2, 3).astype(int).tolist()
        [[0, 1, 1], [0, 1, 1]]
    """
    match segmentation:
        case {"counts": counts, "size": size}:
            if list(size) != [height, width]:
                raise ValueError(f"its run lengths are of {size} pixels, its picture has {[height, width]}")
            runs = _decompressed(counts) if isinstance(counts, str | bytes) else list(counts)
            return _from_runs(runs, height, width)
        case [*polygons] if polygons and all(isinstance(polygon, Sequence) for polygon in polygons):
            inside = np.zeros((height, width), dtype=bool)
            for polygon in polygons:
                inside |= _from_polygon(polygon, height, width)
            return inside
    raise ValueError(
        f"a segmentation is a list of polygons, or run lengths with their size, got {_shortened(segmentation)}"
    )


def box_mask(box: Any, height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """The pixels of a box: its left, top, width and height.

    Raises:
        ValueError: if it is none, or does not fit a picture of that size.

    Example:
        >>> box_mask([1, 0, 2, 1], 2, 3).astype(int).tolist()
        [[0, 1, 1], [0, 0, 0]]
    """
    sides = np.asarray(box, dtype=np.float64)
    if sides.shape != (4,) or not np.isfinite(sides).all() or sides[2:].min() <= 0:
        raise ValueError(f"a box is left, top, width and height, which are greater than 0, got {_shortened(box)}")
    left, top, right, bottom = sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3]
    return _from_polygon([left, top, right, top, right, bottom, left, bottom], height, width)


def _shortened(value: Any) -> str:
    text = repr(dict(value) if isinstance(value, Mapping) else value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _from_polygon(polygon: Sequence[Any], height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Even-odd rule at the middles of pixels: going along a row, every edge that is passed changes the side."""
    corners = np.asarray(polygon, dtype=np.float64)
    if corners.ndim != 1 or len(corners) % 2 or len(corners) < 6 or not np.isfinite(corners).all():
        raise ValueError(f"a polygon is x and y of three corners or more in a row, got {_shortened(list(polygon))}")
    x, y = corners[::2], corners[1::2]
    slack = 1.0
    if x.min() < -slack or y.min() < -slack or x.max() > width + slack or y.max() > height + slack:
        raise ValueError(
            f"a polygon reaches to x {x.min():g} … {x.max():g}, y {y.min():g} … {y.max():g}, and its picture has "
            f"{width} × {height} pixels"
        )
    ends_x, ends_y = np.roll(x, -1), np.roll(y, -1)
    first = np.ceil(np.minimum(y, ends_y) - 0.5).clip(0, height).astype(int)
    last = np.ceil(np.maximum(y, ends_y) - 0.5).clip(0, height).astype(int)
    edge = np.repeat(np.arange(len(x)), last - first)
    begin = np.repeat(np.cumsum(last - first) - (last - first), last - first)
    row = first[edge] + np.arange(len(edge)) - begin
    slope = (ends_x - x) / np.where(ends_y == y, 1.0, ends_y - y)
    passed = np.ceil(x[edge] + (row + 0.5 - y[edge]) * slope[edge] - 0.5).clip(0, width).astype(int)
    changes = np.zeros((height, width + 1), dtype=np.int64)
    np.add.at(changes, (row, passed), 1)
    inside: Bool[np.ndarray, "height width"] = (changes.cumsum(axis=1) % 2 == 1)[:, :width]
    return inside


def _from_runs(runs: Sequence[int], height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Pixels column by column in runs, the first of background."""
    lengths = np.asarray(runs, dtype=np.int64)
    if lengths.ndim != 1 or (len(lengths) and lengths.min() < 0) or lengths.sum() != height * width:
        raise ValueError(
            f"its run lengths sum to {int(lengths.sum())}, and its picture has {width} × {height} pixels; "
            "export the annotations again"
        )
    pixels = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return np.ascontiguousarray(pixels.reshape(width, height).T)


def _decompressed(text: str | bytes) -> list[int]:
    """Run lengths from COCO's compressed string.

    Each character less 48 has six bits: five of a number, the lowest first, and one that says that more follow; the
    last of the five in a number's last character is its sign. From the fourth run on, numbers are differences to the
    run before the last.

    Example:
        >>> _decompressed("52203")
        [5, 2, 2, 2, 5]
    """
    runs: list[int] = []
    value, shift = 0, 0
    for code in text.encode() if isinstance(text, str) else text:
        bits = code - 48
        if not 0 <= bits < 64:
            raise ValueError(f"{chr(code)!r} is no character of compressed run lengths; export the annotations again")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise ValueError("compressed run lengths end within a number; export the annotations again")
    return runs

"""One object cut out of its picture."""

import base64

import torch
from jaxtyping import Bool
from torch import Tensor

from gestalt.core.data.feature_map import Grid

from .data import Picture
from .masks import on_pixels, overlay, png
from .reading import shrunk

AROUND = 0.2
"""Share of the crop's sides that are shown around it."""
LARGEST, LEAST = 160, 96
"""Pixels of the longer side."""


def render_object(item: Picture, inside: Bool[Tensor, " elements"], grid: Grid | None) -> str:
    """A crop around an object, outlined; what is not its own is a little darker.

    Raises:
        ValueError: if the elements lie on no grid: then their place is unknown.
    """
    if grid is None:
        raise ValueError("objects need the place of every cell, got no grid")
    labels = on_pixels(inside.long() - 1, grid, (item.shape[1], item.shape[2]))
    rows, columns = _crop(labels >= 0)
    crop, own = item[:, rows, columns], labels[rows, columns]
    if max(own.shape) > LARGEST:
        small = shrunk(crop, LARGEST)
        down, across = ((torch.arange(n) * m // n) for n, m in zip(small.shape[1:], own.shape, strict=True))
        crop, own = small, own[down][:, across]
    image = base64.b64encode(png(overlay(crop, own, tint=0.0, least=LEAST))).decode()
    words = f"object at rows {rows.start} to {rows.stop}, columns {columns.start} to {columns.stop}"
    return (
        f'<img class="gestalt-crop" src="data:image/png;base64,{image}" alt="{words}" '
        f'style="max-width:{LARGEST}px;max-height:{LARGEST}px;display:block">'
    )


def _crop(inside: Bool[Tensor, "height width"]) -> tuple[slice, slice]:
    """The rows and columns that are shown; all of them where the object has no pixel of its own."""
    sides = []
    for axis in (1, 0):
        places = inside.any(dim=axis).nonzero()[:, 0]
        size = inside.shape[1 - axis]
        if not len(places):
            return slice(0, inside.shape[0]), slice(0, inside.shape[1])
        first, last = int(places[0]), int(places[-1]) + 1
        more = max(3, round(AROUND * (last - first)))
        sides.append(slice(max(0, first - more), min(size, last + more)))
    return sides[0], sides[1]

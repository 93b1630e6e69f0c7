"""One object cut out of its clip."""

import html

import torch
from jaxtyping import Bool
from torch import Tensor

from gestalt.core.data.feature_map import Grid

from .data import Clip
from .masks import on_pixels, overlay
from .render import strip

SHOWN = 4
"""Frames."""


def render_object(item: Clip, inside: Bool[Tensor, " elements"], grid: Grid | None) -> str:
    """Four frames from where an object is first seen to where it is last seen, cropped to all places where it is.

    Raises:
        ValueError: if the elements lie on no grid: then their place is unknown.
    """
    if grid is None:
        raise ValueError("objects need the place of every element, got no grid")
    numbers = on_pixels(inside.long() - 1, grid, item.size, item.edges)
    own = numbers >= 0
    if not bool(own.any()):  # too small for a pixel
        own = torch.ones_like(own)
    seen, rows, columns = (own.any(dim=axes[0]).any(dim=axes[1]).nonzero()[:, 0] for axes in ((2, 1), (2, 0), (1, 0)))
    down, across = (
        slice(max(0, int(places[0]) - 4), min(size, int(places[-1]) + 5))
        for places, size in zip((rows, columns), item.size[1:], strict=True)
    )
    some = seen[torch.linspace(0, len(seen) - 1, min(SHOWN, len(seen))).round().long()]
    frames = overlay(item.frames[some][:, :, down, across], numbers[some][:, down, across])
    times = html.escape(f"{item.times[int(some[0])]:.2f} to {item.times[int(some[-1])]:.2f} s")
    return (
        f'<div class="gestalt-track"><img src="data:image/webp;base64,{strip(frames)}" '
        f'alt="{len(some)} frames, {times}" style="max-width:100%;max-height:120px;display:block">'
        f'<div style="font-size:0.8rem;opacity:0.75">{times}</div></div>'
    )

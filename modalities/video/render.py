"""A picture of a clip with its objects as one HTML fragment: a strip of frames over time."""

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.modality.colours import colour_of
from gestalt.core.report.direction import isolated

from .data import Clip
from .masks import on_pixels, overlay

SHOWN = 8
"""Frames of a strip."""
SIDE = 112  # pixels of a frame's longer side in the strip, at least


def render(
    item: Clip,
    found: Int[Tensor, " elements"],
    grid: Grid | None,
    truth: Sequence[tuple[str, Any]] = (),
    by_number: bool = False,
) -> str:
    """Eight frames in order of time, below them the found objects in colours, and the true ones where they are known.

    Args:
        item: the clip.
        found: the object of every element, −1 for none.
        grid: where the elements lie, in seconds and pixels.
        truth: true objects: each its name with its mask, a bool tensor `time height width`.
        by_number: objects have the colours of the numbers that are given; otherwise by their size.

    Raises:
        ValueError: if the elements lie on no grid: then their place is unknown.
    """
    if grid is None:
        raise ValueError("objects need the place of every element, got no grid; use the grid of the encoder's features")
    if grid.elements != len(found):
        raise ValueError(f"the grid has {grid.elements} cells, found names {len(found)} elements")
    numbers = on_pixels(found if by_number else in_order(found), grid, item.size, item.edges)
    rows = [("frames", item.frames), ("found", overlay(item.frames, numbers))]
    if truth:
        rows.append(("true", overlay(item.frames, true_numbers(truth, item))))
    shown = torch.linspace(0, len(item.frames) - 1, min(SHOWN, len(item.frames))).round().long()
    count = len(found[found >= 0].unique())
    names = ", ".join(dict.fromkeys(name for name, _ in truth))
    words = f"{count} object{'' if count == 1 else 's'} found" + (f"; true: {names}" if truth else "")
    described = f"{len(shown)} frames from {item.start:.2f} s to {item.start + item.seconds:.2f} s; {words}"
    cells = "".join(_row(label, frames[shown]) for label, frames in rows)
    times = "".join(
        f'<span style="flex:1 1 0;text-align:center">{item.times[number]:.2f} s</span>' for number in shown.tolist()
    )
    figure = 'class="gestalt-video" style="margin:0 0 1.5rem;max-width:900px"'
    caption = f"{html.escape(words)} {_legend(truth)}"
    return (
        f'<figure {figure} aria-label="{html.escape(described)}">'
        f'{cells}<div style="display:flex;font-size:0.75rem;opacity:0.75">'
        f'<span style="flex:0 0 3.2rem"></span>{times}</div>'
        f'<figcaption style="font-size:0.85rem;opacity:0.75">{caption}</figcaption></figure>'
    )


def in_order(found: Int[Tensor, " elements"]) -> Int[Tensor, " elements"]:
    """Objects renumbered 0, 1, 2, … from the one with most elements on, so that colours do not depend on numbers."""
    numbers, counts = found[found >= 0].unique(return_counts=True)
    ordered = numbers[counts.argsort(descending=True, stable=True)]
    renumbered = torch.full_like(found, -1)
    for place, number in enumerate(ordered.tolist()):
        renumbered[found == number] = place
    return renumbered


def true_numbers(truth: Sequence[tuple[str, Any]], item: Clip) -> Int[Tensor, "time height width"]:
    """Masks of objects as one number per pixel; where they overlap the later one is in front.

    Raises:
        ValueError: if a mask has another size than the clip.
    """
    numbers = torch.full(item.size, -1)
    for number, (name, mask) in enumerate(truth):
        if tuple(mask.shape) != item.size:
            raise ValueError(f"the mask of {name!r} must have the clip's size {item.size}, got {tuple(mask.shape)}")
        numbers[mask] = number
    return numbers


def _legend(truth: Sequence[tuple[str, Any]]) -> str:
    return " ".join(
        f'<span style="white-space:nowrap"><span style="color:{colour_of(number)}">■</span> {isolated(name)}</span>'
        for number, (name, _) in enumerate(truth)
    )


def _row(label: str, frames: UInt8[Tensor, "shown 3 height width"]) -> str:
    return (
        '<div style="display:flex;align-items:center;margin-bottom:2px">'
        f'<span style="flex:0 0 3.2rem;font-size:0.75rem;opacity:0.75">{label}</span>'
        f'<img src="data:image/webp;base64,{strip(frames)}" alt="{label}" '
        'style="flex:1 1 0;min-width:0;height:auto;display:block"></div>'
    )


def strip(frames: UInt8[Tensor, "shown 3 height width"]) -> str:
    """The frames beside one another, a thin white line between them, as base64 of a WebP."""
    from PIL import Image

    enlarged = max(1, -(-SIDE // max(frames.shape[2:])))
    frames = frames.repeat_interleave(enlarged, dim=2).repeat_interleave(enlarged, dim=3)
    framed = torch.nn.functional.pad(frames, (1, 1), value=255)
    strip = framed.permute(2, 0, 3, 1).flatten(1, 2).contiguous().numpy()
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, format="WEBP", quality=82)
    return base64.b64encode(buffer.getvalue()).decode()

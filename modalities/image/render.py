"""A picture with its objects, beside the true ones, as one HTML fragment."""

import base64
import html
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.report.direction import isolated

from .data import Picture
from .masks import colour, displayed, enlarged, numbered, on_pixels, overlay, png
from .reading import shrunk

LARGEST = 480
"""Pixels a side, in which pictures are shown."""


def render(
    item: Picture,
    found: Int[Tensor, " elements"],
    grid: Grid | None,
    truth: Sequence[tuple[str, Any]] = (),
    by_number: bool = False,
) -> str:
    """The picture, the found objects on it, and the true ones `(name, mask of height × width)` on it.

    With `by_number`, objects are called and coloured by the numbers that are given; otherwise by their order here.

    Raises:
        ValueError: if the elements lie on no grid, or a mask is of another size than the picture.
    """
    if grid is None:
        raise ValueError("objects need the place of every cell, got no grid; use the grid of the encoder's features")
    height, width = item.shape[1:]
    labels = on_pixels(found, grid, (height, width))
    panels = [("picture", _shown(item, None)), ("found", _shown(item, labels, by_number))]
    if truth:
        panels.append(("true", _shown(item, _true_labels(truth, (height, width)))))
    count = int(numbered(labels).max())
    words = f"{count} object{'' if count == 1 else 's'} found"
    if truth:
        words += f"; true: {', '.join(dict.fromkeys(name for name, _ in truth))}"
    figures = "".join(_panel(name, image, f"{name}: {words}") for name, image in panels)
    legend = "".join(_key(name, number) for number, (name, _) in enumerate(truth))
    return (
        '<figure class="gestalt-image" style="margin:0 0 1.5rem;max-width:900px">'
        f'<div style="display:flex;flex-wrap:wrap;gap:8px">{figures}</div>'
        '<figcaption style="font-size:0.85rem;opacity:0.8;margin-top:4px">'
        f"{html.escape(words)}{f' <span>{legend}</span>' if legend else ''}</figcaption></figure>"
    )


def _true_labels(truth: Sequence[tuple[str, Any]], size: tuple[int, int]) -> Int[Tensor, "height width"]:
    """Later masks lie on top of earlier ones."""
    labels = torch.full(size, -1)
    for number, (name, mask) in enumerate(truth):
        mask = torch.as_tensor(mask)
        if tuple(mask.shape) != size:
            raise ValueError(f"the mask of {name!r} is {tuple(mask.shape)}, the picture {size}; give it the same size")
        labels[mask.bool()] = number
    return labels


def _shown(item: Picture, labels: Int[Tensor, "height width"] | None, by_number: bool = False) -> bytes:
    """At most `LARGEST` pixels a side: a page of photographs at full size would weigh as much as they do."""
    small = shrunk(displayed(item), LARGEST)
    if labels is None:
        return png(enlarged(small))
    if small.shape[1:] != labels.shape:
        down, across = ((torch.arange(n) * m // n) for n, m in zip(small.shape[1:], labels.shape, strict=True))
        labels = labels[down][:, across]
    return png(overlay(small, labels, by_number=by_number))


def _panel(name: str, image: bytes, described: str) -> str:
    source = base64.b64encode(image).decode()
    return (
        '<div style="flex:1 1 200px;max-width:290px">'
        f'<img src="data:image/png;base64,{source}" alt="{html.escape(described)}" '
        'style="width:100%;height:auto;display:block;image-rendering:auto">'
        f'<div style="font-size:0.8rem;opacity:0.7">{html.escape(name)}</div></div>'
    )


def _key(name: str, number: int) -> str:
    red, green, blue = colour(number)
    return (
        f'<span style="display:inline-block;width:0.8em;height:0.8em;margin:0 0.3em 0 0.8em;'
        f'background:rgb({red},{green},{blue})"></span>{isolated(name)}'
    )

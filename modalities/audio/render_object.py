"""One event cut out of its recording: a player, and its log-mel."""

import base64
import html
import io

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.feature_map import Grid

from .data import Recording, collate
from .front_end import LogMelFrames, longest, lowest_band
from .render import flac, slowed
from .views import stretch

AROUND = 0.15
"""Seconds that are shown, and heard, on either side."""
LONGEST = 6.0
"""Seconds of an event that are played: a page holds many."""
SCALE, HEIGHT = 90, 72  # dots of a second, and of the spectrum


def render_object(item: Recording, inside: Bool[Tensor, " elements"], grid: Grid | None) -> str:
    """The longest unbroken stretch of an object with a little on either side, which is pale in the picture.

    Raises:
        ValueError: if the elements lie on no grid: then their seconds are unknown.
    """
    if grid is None:
        raise ValueError("events need the seconds of every element, got no grid")
    onset, offset = longest_stretch(inside, grid)
    onset, offset = max(0.0, onset), min(item.seconds, offset, onset + LONGEST)
    begin, end = max(0.0, onset - AROUND), min(item.seconds, offset + AROUND)
    cut, _ = stretch(item, begin, end)
    levels = _levels(cut)
    times = torch.linspace(begin, end, levels.shape[1] + 1)
    middles = (times[1:] + times[:-1]) / 2
    pale = np.where(((middles < onset) | (middles > offset)).numpy()[None], 0.4, 1.0)
    picture = base64.b64encode(_png(levels * pale)).decode()
    sound = base64.b64encode(flac(cut)).decode()
    width = min(360, max(60, round(SCALE * (end - begin))))
    words = html.escape(f"{offset - onset:.2f} s from {item.start + onset:.2f} s{slowed(item)}")
    return (
        f'<div class="gestalt-event" style="max-width:360px">'
        f'<img src="data:image/png;base64,{picture}" alt="log-mel, {words}" '
        f'style="width:{width}px;max-width:100%;height:{HEIGHT}px;display:block">'
        f'<audio controls preload="none" src="data:audio/flac;base64,{sound}" '
        f'style="width:100%;max-width:240px;height:32px;margin-top:2px"></audio>'
        f'<div style="font-size:0.8rem;opacity:0.75">{words}</div></div>'
    )


def longest_stretch(inside: Bool[Tensor, " elements"], grid: Grid) -> tuple[float, float]:
    """Begin and end of the longest run of frames in which any cell is inside.

    Example:
        >>> longest_stretch(torch.tensor([True, False, True, True]), Grid.uniform((4,), (0.5,)))
        (1.0, 2.0)
    """
    edges = grid.edges[0][0]
    sounding = inside.view(grid.shape[0], -1).any(dim=1)
    values, counts = sounding.unique_consecutive(return_counts=True)
    ends = counts.cumsum(0)
    seconds = torch.where(values, edges[ends] - edges[ends - counts], -1.0)
    run = int(seconds.argmax())
    return float(edges[ends[run] - counts[run]]), float(edges[ends[run]])


def _levels(item: Recording) -> Float[np.ndarray, "bands frames"]:
    """Log-mel between 0 and 1, low bands below."""
    rate = item.sample_rate
    hop = max(round(0.008 * rate), len(item.samples) // 400, 1)
    window = max(round(0.032 * rate), hop)
    frames = LogMelFrames(rate, 48, window, hop, lowest_band(rate), 0.4875 * rate, floor=-100.0)
    levels = frames(collate([item]), longest(len(item.samples), hop))[0].numpy() * 20 - 100
    top = float(levels.max()) if levels.size else 0.0
    shown: Float[np.ndarray, "bands frames"] = np.clip((levels - top + 60) / 60, 0, 1)[::-1]
    return shown


def _png(levels: Float[np.ndarray, "bands frames"]) -> bytes:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, levels, cmap="magma", vmin=0, vmax=1, format="png")
    return buffer.getvalue()

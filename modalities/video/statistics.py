"""What is computed from a clip: colour and texture of its frames, and how much moves."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.modality.raster import raster_statistics

from .data import Clip

FRAMES = 4
"""So many frames, evenly over the clip, say what it looks like; motion is that of all."""
MOVED = 0.05
"""A pixel whose brightness changes by more, of full scale, has moved."""
MOTION = ("motion", "deviation of motion", "share that moves", "height of motion", "breadth of motion")


def statistics(clip: Clip) -> dict[str, float]:
    """The mean statistics of a few frames (`raster_statistics`), and of the differences between frames.

    Differences are per second, so that they do not depend on the frame rate; NaN for a clip of one frame.

    Example:
        >>> still = Clip(torch.zeros(3, 3, 8, 8, dtype=torch.uint8), torch.tensor([0.0, 0.5, 1.0, 1.5]))
        >>> statistics(still)["motion"], statistics(still)["share that moves"]
        (0.0, 0.0)
    """
    count = len(clip.frames)
    few = sorted({round(number * (count - 1) / max(1, FRAMES - 1)) for number in range(FRAMES)})
    each = [raster_statistics(clip.frames[place].float() / 255) for place in few]
    found = {name: _mean([one[name] for one in each]) for name in each[0]}
    if count < 2:
        return found | dict.fromkeys(MOTION, math.nan)
    grey = clip.frames.float().mean(dim=1) / 255
    change = grey.diff(dim=0).abs()
    rates = change.mean(dim=(1, 2)) / clip.edges.diff()[:-1]
    where = change.mean(dim=0)

    numbers = (
        float(rates.mean()),
        float(rates.std(correction=0)),
        float((change > MOVED).float().mean()),
        _middle(where.sum(dim=1)),
        _middle(where.sum(dim=0)),
    )
    return found | dict(zip(MOTION, numbers, strict=True))


def _middle(weights: Float[Tensor, " places"]) -> float:
    """Where the weights lie on an axis, 0 at its begin and 1 at its end; NaN where there are none."""
    total = float(weights.sum())
    return float((weights * torch.linspace(0, 1, len(weights))).sum()) / total if total > 0 else math.nan


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan

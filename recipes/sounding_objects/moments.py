"""What rules made by hand tell of moments: when the sound sets in, and where the picture suddenly changes."""

from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.modalities.audio.data import Waveforms
from gestalt.modalities.audio.encoders import LogMel
from gestalt.modalities.video.data import Clips

CELL = 4
"""Pixels a side of the cells whose change is looked at."""


def flux(data: Waveforms) -> tuple[Float[Tensor, "items frames"], Grid]:
    """By how much the log-mel spectrum grows from frame to frame, in deviations above its median; 0 on padding."""
    features = _log_mel(data.sample_rate)(data)
    assert isinstance(features.grid, Grid)
    growth = features.values.diff(dim=1, prepend=features.values[:, :1]).clamp(min=0).mean(dim=2)
    return standardised(growth, features.valid), features.grid


@lru_cache(maxsize=4)
def _log_mel(sample_rate: int) -> LogMel:
    return LogMel(sample_rate=sample_rate)


def change(data: Clips, cell: int = CELL) -> Float[Tensor, "items frames rows columns"]:
    """By how much more a cell changes from the frame before than it did a frame earlier, 0 to 1; 0 in the first two.

    What moves evenly changes evenly; what hits something, or sets out, changes suddenly.
    """
    colours = data.frames.float() / 255
    moved = colours.diff(dim=1, prepend=colours[:, :1]).abs().mean(dim=2)
    pooled = torch.nn.functional.avg_pool2d(moved, cell, ceil_mode=True)
    sudden = pooled.diff(dim=1, prepend=pooled[:, :1]).clamp(min=0)
    sudden[:, :2] = 0
    return sudden * _shown(data, cell)


def motion(data: Clips, changes: Float[Tensor, "items frames rows columns"]) -> Float[Tensor, "items frames"]:
    """The greatest sudden change of every frame, in deviations above its median over the clip."""
    there = torch.arange(changes.shape[1]) < data.sizes[:, :1]
    return standardised(changes.flatten(2).amax(dim=2), there.to(changes.device))


def tubes(data: Clips, cell: int = CELL) -> Grid:
    """Where the cells of every frame lie: seconds, rows and columns."""
    height, width = data.frames.shape[3:]
    rows, columns = (torch.arange(0, -(-side // cell) + 1)[None] * float(cell) for side in (height, width))
    return Grid((data.edges, rows, columns))


def standardised(
    curve: Float[Tensor, "items frames"], valid: Bool[Tensor, "items frames"]
) -> Float[Tensor, "items frames"]:
    """Above the median, in units of the root mean square distance to it; 0 where not valid."""
    middle = torch.where(valid, curve, torch.nan).nanmedian(dim=1, keepdim=True).values
    above = torch.where(valid, curve - middle, 0.0)
    spread = (above.square().sum(dim=1, keepdim=True) / valid.sum(dim=1, keepdim=True).clamp(min=1)).sqrt()
    return above / spread.clamp(min=1e-6)


def _shown(data: Clips, cell: int) -> Tensor:
    """Which cells begin within each clip's own frames, rows and columns."""
    time, rows, columns = data.frames.shape[1], -(-data.frames.shape[3] // cell), -(-data.frames.shape[4] // cell)
    sizes = data.sizes[:, :, None]
    within = (
        torch.arange(time) < sizes[:, 0],
        torch.arange(rows) * cell < sizes[:, 1],
        torch.arange(columns) * cell < sizes[:, 2],
    )
    there = within[0][:, :, None, None] & within[1][:, None, :, None] & within[2][:, None, None]
    return there.to(data.frames.device)

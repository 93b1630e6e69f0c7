"""Where the cells of a feature map lie in a picture, and networks run so that padding never reaches them."""

from collections.abc import Callable
from typing import Annotated, Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between
from gestalt.core.data.feature_map import FeatureMap, Grid

from .data import Pictures

Channels = Annotated[int, Between(1, 4096)]
"""Channels of a picture."""

# The colours of ImageNet's pictures, on which nearly all published weights were trained.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def standardised(pixels: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
    """Colours less ImageNet's mean over its deviation; other numbers of channels take the means of these."""
    channels = pixels.shape[1]
    mean = MEAN if channels == 3 else (sum(MEAN) / 3,) * channels
    deviation = DEVIATION if channels == 3 else (sum(DEVIATION) / 3,) * channels
    return (pixels - pixels.new_tensor(mean)[:, None, None]) / pixels.new_tensor(deviation)[:, None, None]


def image_processor(channels: int) -> Any:
    """What brings pictures to the colours of `standardised`, as a processor of transformers; their size stays."""
    from transformers import ViTImageProcessor

    mean = list(MEAN) if channels == 3 else [sum(MEAN) / 3] * channels
    deviation = list(DEVIATION) if channels == 3 else [sum(DEVIATION) / 3] * channels
    return ViTImageProcessor(do_resize=False, do_rescale=True, image_mean=mean, image_std=deviation)


def counted(sizes: Int[Tensor, "batch 2"], stride: int, start: float) -> Int[Tensor, "batch 2"]:
    """Cells along both axes whose centre, at `start + stride · (i + ½)`, lies in the picture; at least one."""
    return torch.ceil((sizes - start) / stride - 0.5).long().clamp(min=1)


def valid_cells(counts: Int[Tensor, "batch 2"], rows: int, columns: int) -> Bool[Tensor, "batch elements"]:
    """Which cells of a lattice of `rows` × `columns` are among each picture's own, in row-major order."""
    down = torch.arange(rows, device=counts.device) < counts[:, :1]
    across = torch.arange(columns, device=counts.device) < counts[:, 1:]
    return (down[:, :, None] & across[:, None, :]).flatten(1)


def _of_one_size(
    extract: Callable[[Tensor], Tensor],
    pixels: Float[Tensor, "batch channels height width"],
    stride: int,
    start: float,
    fold: int,
    least: int,
) -> FeatureMap:
    """`by_size` for pictures of one size: what a program of tensors can do, for which sizes are no numbers."""
    height, width = pixels.shape[2:]
    below, right = (max(least, (length + fold - 1) // fold) * fold - length for length in (height, width))
    maps = extract(nn.functional.pad(pixels, (0, right, 0, below), mode="replicate"))
    down, across = maps.shape[2:]
    size = torch.stack(
        [torch.full((pixels.shape[0],), length, device=pixels.device) for length in (height, width)], dim=1
    )
    valid = valid_cells(counted(size, stride, start), down, across)
    grid = Grid.uniform((down, across), (float(stride), float(stride)), (start, start))
    return FeatureMap(maps.flatten(2).transpose(1, 2), valid, grid)


def by_size(
    extract: Callable[[Tensor], Tensor], data: Pictures, stride: int, start: float = 0.0, fold: int = 1, least: int = 1
) -> FeatureMap:
    """The maps `batch dim rows columns` that `extract` makes of pictures, run for one size at a time.

    No network then ever sees the padding of a batch, whatever it does inside. Views of training are of one size, and
    run at once. Pictures are extended to multiples of `fold` pixels, at least `least` of them, with their own last row
    and column.

    Args:
        extract: pixels → maps, in cells of `stride` pixels from `start` on.
    """
    if is_exporting():
        return _of_one_size(extract, data.pixels, stride, start, fold, least)
    parts: list[tuple[Tensor, Tensor]] = []
    for height, width in data.sizes.unique(dim=0).tolist():
        same = (data.sizes == data.sizes.new_tensor([height, width])).all(dim=1)
        rows = same.nonzero()[:, 0]
        pixels = data.pixels if len(rows) == len(data.pixels) else data.pixels[rows]
        pixels = pixels[:, :, :height, :width]
        below, right = (max(least, -(-length // fold)) * fold - length for length in (height, width))
        if below or right:
            pixels = nn.functional.pad(pixels, (0, right, 0, below), mode="replicate")
        parts.append((rows, extract(pixels)))
    down, across = max(part.shape[2] for _, part in parts), max(part.shape[3] for _, part in parts)
    first = parts[0][1]
    if len(parts) == 1:
        maps = first
    else:
        maps = first.new_zeros(len(data.pixels), first.shape[1], down, across)
        for rows, part in parts:
            padded = nn.functional.pad(part, (0, across - part.shape[3], 0, down - part.shape[2]))
            maps = maps.index_copy(0, rows, padded)
    valid = valid_cells(counted(data.sizes, stride, start).clamp(max=max(down, across)), down, across)
    grid = Grid.uniform((down, across), (float(stride), float(stride)), (start, start))
    return FeatureMap(maps.flatten(2).transpose(1, 2), valid, grid)

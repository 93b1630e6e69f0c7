"""Encoders of tubes: plain colour and texture, and a small convolutional network."""

import math
from itertools import pairwise
from typing import Annotated, final

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.channels_last import as_channels_last, in_channels_last
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.lengths import of_length

from .along_time import along_time
from .data import Clips
from .lattice import Tubes


@final
class Colours(AbstractEncoder):
    """Colour and texture of every tube, without parameters: nine numbers.

    Mean of red, green and blue; the deviation of each within the tube's frames; the mean size of the differences to
    the right and downwards (fine texture), and to the next frame (change). Differences never leave the tube.

    Args:
        cell: height and width of a tube in pixels.
        frames: frames of a tube.

    Example:
        >>> batch = Clips(torch.zeros(2, 8, 3, 32, 32, dtype=torch.uint8), torch.tensor([[8, 32, 32], [4, 16, 16]]),
        ...               torch.arange(9.0).expand(2, -1))
        >>> features = Colours()(batch)
        >>> features.values.shape, features.valid.sum(dim=1).tolist(), features.grid.shape
        (torch.Size([2, 128, 9]), [128, 16], (8, 4, 4))
    """

    def __init__(
        self, cell: Annotated[int, Between(1, 1024)] = 8, frames: Annotated[int, Between(1, 1024)] = 1
    ) -> None:
        super().__init__()
        self.cell = cell
        self.frames = frames
        check_ranges(self)
        self.tubes = Tubes((frames, cell, cell))
        self.dim = 9

    def forward(self, data: Clips) -> FeatureMap:
        """Nine numbers per tube."""
        return self.tubes.features(self._colours, data)

    def _colours(self, colours: Float[Tensor, "batch 3 time height width"]) -> Tensor:
        step = self.tubes.step
        cells = rearrange(colours, "b c (t i) (y j) (x k) -> b c t y x i j k", i=step[0], j=step[1], k=step[2])
        mean = cells.mean(dim=(5, 6, 7))
        deviation = cells.var(dim=(5, 6, 7), correction=0).clamp(min=0).sqrt()
        edges = [
            cells.diff(dim=axis).abs().mean(dim=(5, 6, 7)).mean(dim=1, keepdim=True)
            if cells.shape[axis] > 1
            else torch.zeros_like(mean[:, :1])
            for axis in (6, 7, 5)
        ]
        return torch.cat([mean, deviation, *edges], dim=1)


@final
class Mixing(nn.Module):
    """x + relu(norm(W ∗ x)) within each frame, then y + a ∗ y over three frames, one weight per channel and frame.

    The weights over time begin at 0: the network begins as a network of images and learns how much time matters.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.within = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.over_time = nn.Conv1d(width, width, 3, padding=1, groups=width, bias=False)
        nn.init.zeros_(self.over_time.weight)

    def forward(self, x: Float[Tensor, "images width rows columns"], times: int) -> Tensor:
        """The same shape; `images` are clips of `times` frames."""
        x = x + self.norm(self.within(x)).relu()
        return x + along_time(self.over_time, x, times)


@final
class Conv(AbstractEncoder):
    """A small convolutional network: every frame on its own, mixed lightly over time; fast on two CPU cores.

    Convolutions of 4 × 4 with stride 2 halve the picture until a tube takes `stride` × `stride` pixels of one frame;
    their outputs lie exactly on those of `Colours` with the same `cell`. Residual blocks follow.

    Args:
        width: channels of the blocks, the length of the vectors.
        stride: pixels a side of what the convolutions halve the picture to: 2, 4, 8 or 16.
        blocks: how many residual blocks; each sees one tube further in space and one frame further in time.
        finer: tubes are this many times smaller along height and width than what the convolutions halve the picture
            to; features in between are interpolated. 1 interpolates nothing.

    Example:
        >>> batch = Clips(torch.zeros(1, 4, 3, 32, 32, dtype=torch.uint8), torch.tensor([[4, 32, 32]]),
        ...               torch.arange(5.0)[None])
        >>> Conv(width=16)(batch).values.shape
        torch.Size([1, 64, 16])
    """

    def __init__(
        self,
        width: Width = 96,
        stride: Annotated[int, Between(2, 16, only=(2, 4, 8, 16))] = 8,
        blocks: Annotated[int, Between(0, 1000)] = 2,
        finer: Annotated[int, Between(1, 16)] = 1,
    ) -> None:
        super().__init__()
        self.width = width
        self.stride = stride
        self.blocks = blocks
        self.finer = finer
        check_ranges(self)
        if stride % finer:
            raise ValueError(f"finer divides the stride {stride}, got {finer}")
        self.tubes = Tubes((1, stride // finer, stride // finer))
        halvings = round(math.log2(stride))
        widths = [3, *(max(16, width // 2 ** (halvings - 1 - number)) for number in range(halvings))]
        widths[-1] = width
        self.halve = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairwise(widths)
        )
        self.mixing = nn.ModuleList(Mixing(width) for _ in range(blocks))
        self.dim = width
        in_channels_last(self)  # much faster on a CPU

    def forward(self, data: Clips) -> FeatureMap:
        """One vector per tube."""
        return self.tubes.features(self._features, data)

    def _features(self, colours: Float[Tensor, "batch 3 time height width"]) -> Tensor:
        times, rows, columns = colours.shape[2:]
        x = as_channels_last(rearrange(colours, "b c t y x -> (b t) c y x"))
        if is_exporting():
            x = of_length(of_length(x, 2, rows + -rows % self.stride), 3, columns + -columns % self.stride)
        elif rows % self.stride or columns % self.stride:
            x = nn.functional.pad(x, (0, -columns % self.stride, 0, -rows % self.stride), mode="replicate")
        for halve in self.halve:
            x = halve(x)
        for block in self.mixing:
            x = block(x, times)
        if self.finer > 1:
            x = nn.functional.interpolate(x, scale_factor=self.finer, mode="bilinear")
            rows, columns = rows // self.tubes.step[1], columns // self.tubes.step[2]
            x = of_length(of_length(x, 2, rows), 3, columns) if is_exporting() else x[..., :rows, :columns]
        features: Tensor = rearrange(x, "(b t) c y x -> b c t y x", t=times)
        return features

"""Plain colours and textures, and a small convolutional network: encoders without any library's backbone."""

from collections.abc import Sequence
from typing import Annotated, final

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.ranges import Between, Kernel, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.channels_last import in_channels_last
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm

from .data import Pictures
from .layout import Channels, by_size, standardised


@final
class ColourTexture(AbstractEncoder):
    """Mean and deviation of every channel in a cell, and the strength of its gradients, without parameters.

    For cells of `stride` pixels: mean (C), standard deviation (C), and the mean absolute difference of neighbouring
    pixels down and across (2), over the mean of the channels and within the cell. With `around`, each of these is
    averaged over the cells up to `around` away, as texture extends over several; the default is 0. Without
    `textures` there are the means alone.

    Args:
        stride: pixels a side of a cell.
        around: cells, on every side, over which the numbers of a cell are averaged; 0 takes the cell alone.
        textures: deviations and gradients beside the means.
        channels: of the pictures, 3 for colours.

    Example:
        >>> features = ColourTexture()(Pictures(torch.rand(1, 3, 32, 48), torch.tensor([[32, 48]])))
        >>> features.values.shape, features.grid.shape
        (torch.Size([1, 96, 8]), (8, 12))
    """

    def __init__(
        self,
        stride: Annotated[int, Between(2, 1024)] = 4,
        around: Annotated[int, Between(0, 127)] = 0,
        textures: bool = True,
        channels: Channels = 3,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.around = around
        self.textures = textures
        self.channels = channels
        check_ranges(self)
        self.dim = 2 * channels + 2 if textures else channels

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per cell."""
        check_channels(data, self.channels)
        return by_size(self._features, data, self.stride, fold=self.stride)

    def _features(
        self, pixels: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim rows columns"]:
        cells = rearrange(pixels, "b c (h p) (w q) -> b c h w p q", p=self.stride, q=self.stride)
        grey = cells.mean(dim=1)
        down = (grey[..., 1:, :] - grey[..., :-1, :]).abs().mean(dim=(-2, -1))
        across = (grey[..., 1:] - grey[..., :-1]).abs().mean(dim=(-2, -1))
        mean = cells.mean(dim=(-2, -1))
        deviation = (cells - mean[..., None, None]).square().mean(dim=(-2, -1)).sqrt()
        features = torch.cat([mean, deviation, down[:, None], across[:, None]], dim=1) if self.textures else mean
        if self.around == 0:
            return features
        pool = nn.AvgPool2d(2 * self.around + 1, stride=1, padding=self.around, count_include_pad=False)
        averaged: Tensor = pool(features)
        return averaged


def check_channels(data: Pictures, channels: int) -> None:
    """Refuse pictures that the network was not built for.

    Raises:
        ValueError: if their number of channels is another.
    """
    if data.pixels.shape[1] != channels:
        raise ValueError(
            f"the encoder takes {channels} channels, the pictures have {data.pixels.shape[1]}; "
            "build it with channels=… of the data, or read them with Image(channels=…)"
        )


@final
class CellNorm(nn.Module):
    """Normalisation of `batch channels rows columns`.

    `group`: over groups of 16 channels and all cells of a picture. `row`: over all cells of the batch, on all ranks
    (`MaskedBatchNorm`).
    """

    def __init__(self, channels: int, kind: str) -> None:
        super().__init__()
        if kind not in ("group", "row"):
            raise ValueError(f"norm is 'group' or 'row', got {kind!r}")
        if kind == "group" and channels % max(1, channels // 16):
            raise ValueError(
                f"norm 'group' has groups of 16 channels, which {channels} cannot be divided into evenly; "
                "take a width that is a multiple of 32, or norm 'row'"
            )
        self.kind = kind
        self.norm: nn.Module = (
            nn.GroupNorm(max(1, channels // 16), channels) if kind == "group" else MaskedBatchNorm(channels)
        )

    def forward(self, maps: Float[Tensor, "batch channels rows columns"]) -> Tensor:
        """The same shape."""
        if self.kind == "group":
            grouped: Tensor = self.norm(maps)
            return grouped
        columns = maps.permute(0, 2, 3, 1)  # a view, where channels come last in memory
        rows: Tensor = self.norm(columns.reshape(-1, columns.shape[-1]))
        return rows.view(columns.shape).permute(0, 3, 1, 2)


@final
class Residual(nn.Module):
    """x + relu(norm(W ∗ x)), a convolution over 3 × 3 cells or each cell alone."""

    def __init__(self, width: int, kernel: int, norm: str) -> None:
        super().__init__()
        self.over_cells = nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False)
        self.norm = CellNorm(width, norm)

    def forward(self, x: Float[Tensor, "batch channels rows columns"]) -> Tensor:
        """The same shape."""
        inner: Tensor = self.norm(self.over_cells(x))
        return x + inner.relu()


@final
class Conv(AbstractEncoder):
    """A small convolutional network with a stride of 4 pixels; the default, fast on two CPU cores.

    Two strided convolutions, of 4 × 4 pixels each with a step of 2, gather a cell with its surroundings; residual
    blocks follow. A narrow view keeps the boundaries of objects sharp.

    Args:
        width: channels of all blocks, the length of the vectors.
        kernels: one residual block each; a kernel `k` widens the view by `k − 1` cells.
        norm: `row` (batch statistics) or `group` (each picture alone).
        channels: of the pictures, 3 for colours.
        finer: 1, 2 or 4: cells are this many times smaller along both axes, and features in between are interpolated.
            Objects of a few cells keep their outlines.

    Example:
        >>> encoder = Conv(width=32)
        >>> encoder(Pictures(torch.rand(2, 3, 64, 64), torch.tensor([[64, 64], [64, 40]]))).values.shape
        torch.Size([2, 256, 32])
    """

    STRIDE = 4

    def __init__(
        self,
        width: Annotated[int, Between(2, 65536)] = 64,
        kernels: Sequence[Kernel] = (3, 3, 1),
        norm: str = "row",
        channels: Channels = 3,
        finer: Annotated[int, Between(1, 4, only=(1, 2, 4))] = 1,
    ) -> None:
        super().__init__()
        self.width = width
        self.kernels = tuple(kernels)
        self.norm = norm
        self.channels = channels
        self.finer = finer
        check_ranges(self)
        if any(kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"kernels must be odd, so that an element stays in its place, got {list(kernels)}")
        half = width // 2
        self.stem = nn.Sequential(
            nn.Conv2d(channels, half, 4, stride=2, padding=1, bias=False),
            CellNorm(half, norm),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, width, 4, stride=2, padding=1, bias=False),
            CellNorm(width, norm),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(Residual(width, kernel, norm) for kernel in kernels))
        self.dim = width
        in_channels_last(self)

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per cell of 4 / finer pixels a side."""
        check_channels(data, self.channels)
        return by_size(self._maps, data, self.STRIDE // self.finer, fold=self.STRIDE)

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        # Channels last in memory make these small convolutions several times faster on a CPU.
        x = standardised(pixels).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self.blocks(self.stem(x))
        return maps if self.finer == 1 else nn.functional.interpolate(maps, scale_factor=self.finer, mode="bilinear")

"""A small U-shaped network on every frame, whose coarse scales look at the frames around."""

from collections.abc import Sequence
from typing import final

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.channels_last import as_channels_last
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.lengths import of_length
from gestalt.core.networks.u_shape import UShape, UStride, UWidth

from .along_time import along_time
from .data import Clips
from .lattice import Tubes


@final
class OverTime(nn.Module):
    """x + a ∗ x over three frames, one weight per channel and frame, which begin at 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weights = nn.Conv1d(width, width, 3, padding=1, groups=width, bias=False)
        nn.init.zeros_(self.weights.weight)

    def forward(self, x: Float[Tensor, "images width rows columns"], times: int) -> Tensor:
        """The same shape; `images` are clips of `times` frames."""
        return x + along_time(self.weights, x, times)


@final
class UNet(AbstractEncoder):
    """A small U-shaped network on every frame with tubes of 2 × 2 pixels; its coarse scales are mixed over time.

    Strided convolutions go down to cells of 4 and 8 pixels, which see things as wholes and, frame by frame, how they
    go on: what a coarse scale finds is mixed with the frames before and after, once per scale. Then it is interpolated
    and added to the finer maps, which keep the outlines. Every frame is normalised alone: no batch statistics.

    Args:
        widths: channels of every scale, from fine to coarse; each scale has cells twice as large as the one before.
        dim: the length of the vectors.
        stride: pixels a side of a tube: 1, 2 or 4.

    Example:
        >>> import torch
        >>> batch = Clips(torch.zeros(1, 4, 3, 32, 32, dtype=torch.uint8), torch.tensor([[4, 32, 32]]),
        ...               torch.arange(5.0)[None])
        >>> UNet(dim=16)(batch).values.shape
        torch.Size([1, 1024, 16])

    Source: Lin et al., "Feature Pyramid Networks" (2017), on every frame.
    """

    def __init__(self, widths: Sequence[UWidth] = (16, 32, 64), dim: Width = 32, stride: UStride = 2) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.dim = dim
        self.stride = stride
        check_ranges(self)
        self.network = UShape(3, self.widths, dim, stride)
        self.over_time = nn.ModuleList(OverTime(width) for width in self.widths[1:])
        self.tubes = Tubes((1, stride, stride))

    def forward(self, data: Clips) -> FeatureMap:
        """One vector per tube."""
        return self.tubes.features(self._features, data)

    def _features(self, colours: Float[Tensor, "batch 3 time height width"]) -> Tensor:
        times, rows, columns = colours.shape[2:]
        x = as_channels_last(rearrange(colours, "b c t y x -> (b t) c y x"))
        fold = self.network.fold
        if is_exporting():
            x = of_length(of_length(x, 2, rows + -rows % fold), 3, columns + -columns % fold)
        elif rows % fold or columns % fold:
            x = nn.functional.pad(x, (0, -columns % fold, 0, -rows % fold), mode="replicate")
        fine, *coarse = self.network.down(x)
        mixed = [over_time(maps, times) for over_time, maps in zip(self.over_time, coarse, strict=True)]
        x = self.network.up([fine, *mixed])
        rows, columns = rows // self.stride, columns // self.stride
        x = of_length(of_length(x, 2, rows), 3, columns) if is_exporting() else x[..., :rows, :columns]
        features: Tensor = rearrange(x, "(b t) c y x -> b c t y x", t=times)
        return features

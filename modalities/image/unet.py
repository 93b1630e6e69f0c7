"""A small U-shaped network on pictures: fine cells that know what lies around them."""

from collections.abc import Sequence
from typing import final

from jaxtyping import Float
from torch import Tensor

from gestalt.core.components.ranges import Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.u_shape import UShape, UStride, UWidth

from .data import Pictures
from .encoders import check_channels
from .layout import Channels, by_size, standardised


@final
class UNet(AbstractEncoder):
    """A small U-shaped network with cells of 2 pixels: several scales in one vector, fast on two CPU cores.

    Strided convolutions go down to cells of 4 and 8 pixels, which see objects as wholes; what they find is interpolated
    and added to the finer maps, which keep the outlines. Every picture is normalised alone: no batch statistics.

    Args:
        widths: channels of every scale, from fine to coarse; each scale has cells twice as large as the one before.
        dim: the length of the vectors.
        stride: pixels a side of a cell: 1, 2 or 4.
        channels: of the pictures, 3 for colours.

    Example:
        >>> import torch
        >>> features = UNet()(Pictures(torch.rand(1, 3, 64, 48), torch.tensor([[64, 48]])))
        >>> features.values.shape, features.grid.shape
        (torch.Size([1, 768, 32]), (32, 24))

    Source: Lin et al., "Feature Pyramid Networks" (2017); the Odin† of the patent application, small.
    """

    def __init__(
        self,
        widths: Sequence[UWidth] = (32, 64, 96),
        dim: Width = 32,
        stride: UStride = 2,
        channels: Channels = 3,
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.dim = dim
        self.stride = stride
        self.channels = channels
        check_ranges(self)
        self.network = UShape(channels, self.widths, dim, stride)

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per cell."""
        check_channels(data, self.channels)
        return by_size(self._maps, data, self.stride, fold=self.network.fold)

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        maps: Tensor = self.network(standardised(pixels))
        return maps

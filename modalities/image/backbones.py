"""Encoders that read one level of torchvision's ResNets and Swin transformers, with or without a feature pyramid."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, final

import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, PositiveShare, Share, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.pace import Frozen, Pace, stacked

from .data import Pictures
from .encoders import check_channels
from .layout import Channels, by_size, standardised
from .stages import LEVELS, LevelReader, ResNetStages, SwinStages

Level = Annotated[int, Between(LEVELS[0], LEVELS[-1])]
"""Which map of a backbone is read; level `l` has cells of 2ˡ pixels."""
Pyramid = Annotated[int, Between(0, 65536)]
"""Channels of a feature pyramid, 0 for none."""


@final
class ResNet(AbstractEncoder):
    """One level of a torchvision ResNet, or of a feature pyramid on it.

    Args:
        name: `resnet18` or `resnet50`.
        level: 2 … 5, cells of 4 … 32 pixels with the large stem, of 1 … 8 with the small one.
        pyramid: channels of the feature pyramid, 0 for none; keep it for transfer, or drop it by `without_pyramid`.
        stem: `large` (7 × 7, stride 4), or `small` (3 × 3, stride 1) for small pictures.
        channels: of the pictures, 3 for colours.
        checkpoint: a local file of torchvision's weights, or of others for its architecture. With a small stem, or
            other channels, the first convolution begins at random.
        frozen: how many of the lowest layers (the stem, then the stages) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Example:
        >>> encoder = resnet18(level=4)
        >>> encoder(Pictures(torch.rand(1, 3, 64, 96), torch.tensor([[64, 96]]))).grid.shape
        (4, 6)
    """

    def __init__(
        self,
        name: str,
        level: Level = 5,
        pyramid: Pyramid = 0,
        stem: str = "large",
        channels: Channels = 3,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.name = name
        self.level = level
        self.pyramid = pyramid
        self.stem = stem
        self.channels = channels
        self.checkpoint = None  # the architecture is built again without its weights
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        self.backbone = ResNetStages(name, stem, channels, checkpoint)
        self.reader = LevelReader(self.backbone.widths, level, pyramid)
        used = self.backbone.stages if pyramid else self.backbone.stages[: self.reader.stage + 1]
        self.paced = Pace(frozen, slower).over(self.backbone, stacked(self.backbone, list(used)))
        self.stride = self.backbone.strides[self.reader.stage]
        self.dim = self.reader.dim

    def without_pyramid(self, level: int = LEVELS[-1]) -> "ResNet":
        """The same backbone, its weights shared, read at a level of its own: what is left for transfer without Odin†.

        Example:
            >>> trained = resnet18(level=2, pyramid=16)
            >>> plain = trained.without_pyramid()
            >>> plain.dim, plain.backbone is trained.backbone
            (512, True)
        """
        with torch.device("meta"):  # no weights of its own are drawn
            plain = ResNet(self.name, level, 0, self.stem, self.channels, None, self.frozen, self.slower)
        plain.backbone, plain.paced = self.backbone, self.paced
        return plain.train(self.training)

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per cell of the level, centred on a pixel, as padded odd kernels make it."""
        check_channels(data, self.channels)
        return by_size(self._maps, data, self.stride, 0.5 - self.stride / 2, self.backbone.strides[-1])

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        maps: Tensor = self.reader(self.backbone(standardised(pixels)))
        return maps


resnet18 = partial(ResNet, "resnet18")
resnet50 = partial(ResNet, "resnet50")


def resnet50_pyramid(
    level: Level = 2,
    pyramid: Pyramid = 256,
    stem: str = "large",
    channels: Channels = 3,
    checkpoint: str | None = None,
    frozen: Frozen = 0,
    slower: PositiveShare = 1.0,
) -> ResNet:
    """ResNet-50 with a feature pyramid, read at its finest level: the Odin† of the patent application.

    Args:
        level: 2 … 5, cells of 4 … 32 pixels with the large stem, of 1 … 8 with the small one.
        pyramid: channels of the feature pyramid, 0 for none.
        stem: `large` (7 × 7, stride 4), or `small` (3 × 3, stride 1) for small pictures.
        channels: of the pictures, 3 for colours.
        checkpoint: a local file of torchvision's weights, or of others for its architecture.
        frozen: how many of the lowest layers (the stem, then the stages) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.
    """
    return ResNet("resnet50", level, pyramid, stem, channels, checkpoint, frozen, slower)


@final
class Swin(AbstractEncoder):
    """One level of a Swin transformer of torchvision, or of a feature pyramid on it.

    Swin-T is width 96, depths (2, 2, 6, 2), drop_path 0.2.

    Args:
        width: channels of the first stage; every further stage doubles them.
        depths: blocks of each stage.
        heads: attention heads of each stage, which divide its channels.
        window: cells a side among which attention runs.
        drop_path: greatest probability, while training, that a block is left out.
        level: 2 … 5, cells of 4 … 32 pixels.
        pyramid: channels of the feature pyramid, 0 for none; keep it for transfer, or drop it by `without_pyramid`.
        channels: of the pictures, 3 for colours.
        checkpoint: a local file of torchvision's weights; Swin-T's go with `window=7` and the rest as above.
        frozen: how many of the lowest stages do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top stage takes; each stage below takes this share again.

    Example:
        >>> encoder = Swin(depths=(1, 1, 1, 1), level=2)
        >>> encoder(Pictures(torch.rand(1, 3, 64, 64), torch.tensor([[64, 64]]))).values.shape
        torch.Size([1, 256, 48])
    """

    def __init__(
        self,
        width: Width = 48,
        depths: Sequence[Depth] = (2, 2, 2, 2),
        heads: Sequence[AttentionHeads] = (3, 6, 12, 24),
        window: Annotated[int, Between(1, 64)] = 7,
        drop_path: Share = 0.0,
        level: Level = 4,
        pyramid: Pyramid = 0,
        channels: Channels = 3,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.width = width
        self.depths = tuple(depths)
        self.heads = tuple(heads)
        self.window = window
        self.drop_path = drop_path
        self.level = level
        self.pyramid = pyramid
        self.channels = channels
        self.checkpoint = None  # the architecture is built again without its weights
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        if len(depths) != len(LEVELS) or len(heads) != len(LEVELS):
            raise ValueError(f"depths and heads hold {len(LEVELS)} numbers each, got {list(depths)} and {list(heads)}")
        if any((width << stage) % number for stage, number in enumerate(heads)):
            widths = [width << stage for stage in range(len(heads))]
            raise ValueError(f"heads must divide the channels of their stages, {widths}, got {list(heads)}")
        self.backbone = SwinStages(width, depths, heads, window, drop_path, channels, checkpoint)
        self.reader = LevelReader(self.backbone.widths, level, pyramid)
        used = self.backbone.stages if pyramid else self.backbone.stages[: self.reader.stage + 1]
        self.paced = Pace(frozen, slower).over(self.backbone, [[stage] for stage in used])
        self.stride = self.backbone.strides[self.reader.stage]
        self.dim = self.reader.dim

    def without_pyramid(self, level: int = LEVELS[-1]) -> "Swin":
        """The same backbone, its weights shared, read at a level of its own."""
        with torch.device("meta"):  # no weights of its own are drawn
            plain = Swin(
                self.width, self.depths, self.heads, self.window, self.drop_path, level, 0, self.channels, None,
                self.frozen, self.slower,
            )  # fmt: skip
        plain.backbone, plain.paced = self.backbone, self.paced
        return plain.train(self.training)

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per cell of the level."""
        check_channels(data, self.channels)
        return by_size(self._maps, data, self.stride, 0.0, self.backbone.strides[-1])

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        maps: Tensor = self.reader(self.backbone(standardised(pixels)))
        return maps

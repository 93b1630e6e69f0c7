"""torchvision's ResNets and Swin transformers, with or without a feature pyramid."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder

from .data import Pictures
from .encoders import check_channels
from .layout import by_size, standardised

LEVELS = (2, 3, 4, 5)
"""Stages of a backbone; level `l` has cells of 2ˡ pixels, as papers on feature pyramids count them."""


@final
class ResNetStages(nn.Module):
    """The four stages of a torchvision ResNet, from fine to coarse."""

    def __init__(self, name: str, stem: str, channels: int) -> None:
        super().__init__()
        from torchvision.models import resnet

        if stem not in ("large", "small"):
            raise ValueError(f"stem is 'large' (7 × 7, stride 4) or 'small' (3 × 3, stride 1), got {stem!r}")
        network: Any = getattr(resnet, name)(weights=None)
        first: nn.Module = network.conv1
        if stem == "small":
            first = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
        elif channels != 3:
            first = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        layers = [first, network.bn1, network.relu, *([network.maxpool] if stem == "large" else [])]
        self.stem = nn.Sequential(*layers)
        self.stages = nn.ModuleList([network.layer1, network.layer2, network.layer3, network.layer4])
        self.widths = [int(network.fc.in_features) >> (3 - number) for number in range(4)]
        self.strides = [(4 if stem == "large" else 1) << number for number in range(4)]

    def forward(self, pixels: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """One map per stage."""
        x = self.stem(pixels.contiguous(memory_format=torch.channels_last))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


@final
class SwinStages(nn.Module):
    """The four stages of a torchvision Swin transformer, from fine to coarse, each normalised."""

    def __init__(
        self, width: int, depths: Sequence[int], heads: Sequence[int], window: int, drop_path: float, channels: int
    ) -> None:
        super().__init__()
        from torchvision.models.swin_transformer import SwinTransformer

        network: Any = SwinTransformer(
            patch_size=[4, 4],
            embed_dim=width,
            depths=list(depths),
            num_heads=list(heads),
            window_size=[window, window],
            stochastic_depth_prob=drop_path,
            num_classes=1,
        )
        if channels != 3:
            network.features[0][0] = nn.Conv2d(channels, width, 4, stride=4)
        self.stages = nn.ModuleList(
            nn.Sequential(*network.features[2 * number : 2 * number + 2])
            if number == 0
            else nn.Sequential(network.features[2 * number], network.features[2 * number + 1])
            for number in range(4)
        )
        self.widths = [width << number for number in range(4)]
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in self.widths)
        self.strides = [4 << number for number in range(4)]

    def forward(self, pixels: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """One map per stage."""
        maps = []
        x = pixels
        for stage, norm in zip(self.stages, self.norms, strict=True):
            x = stage(x)
            maps.append(norm(x).permute(0, 3, 1, 2))
        return maps


@final
class Staged(AbstractEncoder):
    """One level of a backbone of four stages, or of a feature pyramid on it.

    The pyramid (Odin†) adds to every level what the coarser ones know: 1 × 1 convolutions to `pyramid` channels, sums
    from coarse to fine, 3 × 3 convolutions. Keep it for transfer, or drop it by `without_pyramid`.

    Args:
        backbone: gives the maps of levels 2 … 5 and their `widths` and `strides`.
        level: which level is read; 2 is the finest.
        pyramid: channels of the feature pyramid, 0 for none.
        centred: cells are centred on a pixel, as in networks of padded odd kernels, not on a corner between pixels.

    Source: Lin et al., "Feature Pyramid Networks" (2017); torchvision's implementation.
    """

    def __init__(
        self, backbone: nn.Module, level: int, pyramid: int, centred: bool, channels: int, settings: dict[str, Any]
    ) -> None:
        super().__init__()
        if level not in LEVELS:
            raise ValueError(f"level is one of {LEVELS}, got {level}")
        widths, strides = list[int](backbone.widths), list[int](backbone.strides)  # type: ignore[arg-type]
        self.backbone = backbone
        self.pyramid: nn.Module | None = None
        if pyramid:
            from torchvision.ops import FeaturePyramidNetwork

            self.pyramid = FeaturePyramidNetwork(widths, pyramid)
        self.settings = settings
        self.channels = channels
        self.centred = centred
        self.stage = level - LEVELS[0]
        self.stride = strides[self.stage]
        self.start = 0.5 - self.stride / 2 if centred else 0.0
        self.fold = strides[-1]
        self.dim = pyramid or widths[self.stage]

    def without_pyramid(self, level: int = LEVELS[-1]) -> "Staged":
        """The same backbone, its weights shared, read at a level of its own: what is left for transfer without Odin†.

        Example:
            >>> trained = resnet18(level=2, pyramid=16)
            >>> plain = trained.without_pyramid()
            >>> plain.dim, plain.backbone is trained.backbone
            (512, True)
        """
        settings = {**self.settings, "level": level, "pyramid": 0}
        return Staged(self.backbone, level, 0, self.centred, self.channels, settings).train(self.training)

    def forward(self, data: Pictures) -> FeatureMap:
        """One vector per cell of the level."""
        check_channels(data, self.channels)
        return by_size(self._maps, data, self.stride, self.start, self.fold)

    def _maps(self, pixels: Float[Tensor, "batch channels height width"]) -> Tensor:
        maps: list[Tensor] = self.backbone(standardised(pixels))
        if self.pyramid is not None:
            named = self.pyramid({str(number): one for number, one in enumerate(maps)})
            maps = list(named.values())
        return maps[self.stage]


def _resnet(name: str, level: int, pyramid: int, stem: str, channels: int) -> Staged:
    settings = {"level": level, "pyramid": pyramid, "stem": stem, "channels": channels}
    return Staged(ResNetStages(name, stem, channels), level, pyramid, True, channels, settings)


def resnet18(level: int = 5, pyramid: int = 0, stem: str = "large", channels: int = 3) -> Staged:
    """ResNet-18: level 5 has cells of 32 pixels, of 8 with the small stem for small pictures.

    Example:
        >>> encoder = resnet18(level=4)
        >>> encoder(Pictures(torch.rand(1, 3, 64, 96), torch.tensor([[64, 96]]))).grid.shape
        (4, 6)
    """
    return _resnet("resnet18", level, pyramid, stem, channels)


def resnet50(level: int = 5, pyramid: int = 0, stem: str = "large", channels: int = 3) -> Staged:
    """ResNet-50; level 5 has vectors of 2048 numbers in cells of 32 pixels."""
    return _resnet("resnet50", level, pyramid, stem, channels)


def resnet50_pyramid(level: int = 2, pyramid: int = 256, stem: str = "large", channels: int = 3) -> Staged:
    """ResNet-50 with a feature pyramid, read at its finest level: the Odin† of the document."""
    return _resnet("resnet50", level, pyramid, stem, channels)


def swin(
    width: int = 48,
    depths: Sequence[int] = (2, 2, 2, 2),
    heads: Sequence[int] = (3, 6, 12, 24),
    window: int = 7,
    drop_path: float = 0.0,
    level: int = 4,
    pyramid: int = 0,
    channels: int = 3,
) -> Staged:
    """A Swin transformer of torchvision; Swin-T is width 96, depths (2, 2, 6, 2), drop_path 0.2.

    Example:
        >>> encoder = swin(depths=(1, 1, 1, 1), level=2)
        >>> encoder(Pictures(torch.rand(1, 3, 64, 64), torch.tensor([[64, 64]]))).values.shape
        torch.Size([1, 256, 48])
    """
    settings = {
        "width": width,
        "depths": list(depths),
        "heads": list(heads),
        "window": window,
        "drop_path": drop_path,
        "level": level,
        "pyramid": pyramid,
        "channels": channels,
    }
    backbone = SwinStages(width, depths, heads, window, drop_path, channels)
    return Staged(backbone, level, pyramid, False, channels, settings)

"""The four stages of torchvision's ResNets and Swin transformers, and the feature pyramid on them."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.networks.channels_last import in_channels_last
from gestalt.core.networks.local_checkpoint import load_weights

LEVELS = (2, 3, 4, 5)
"""Stages of a backbone; level `l` has cells of 2ˡ pixels, as papers on feature pyramids count them."""


@final
class ResNetStages(nn.Module):
    """The four stages of a torchvision ResNet, from fine to coarse.

    With a small stem, or other pictures than of three channels, the first convolution is not that of a checkpoint.
    """

    def __init__(self, name: str, stem: str, channels: int, checkpoint: str | None = None) -> None:
        super().__init__()
        from torchvision.models import resnet

        if stem not in ("large", "small"):
            raise ValueError(f"stem is 'large' (7 × 7, stride 4) or 'small' (3 × 3, stride 1), got {stem!r}")
        network: Any = getattr(resnet, name)(weights=None)
        load_weights(network, checkpoint, beside=("fc.",))
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
        in_channels_last(self)

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
    """The four stages of a torchvision Swin transformer, from fine to coarse, each normalised.

    With other pictures than of three channels, the patches are not embedded as those of a checkpoint.
    """

    def __init__(
        self,
        width: int,
        depths: Sequence[int],
        heads: Sequence[int],
        window: int,
        drop_path: float,
        channels: int,
        checkpoint: str | None = None,
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
        load_weights(network, checkpoint, beside=("head.",))
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
        if checkpoint is not None:
            self.norms[-1].load_state_dict(network.norm.state_dict())
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
class LevelReader(nn.Module):
    """One level of the maps of a backbone, as they are or from a feature pyramid on them.

    The pyramid (Odin†) adds to every level what the coarser ones know: 1 × 1 convolutions to `pyramid` channels, sums
    from coarse to fine, 3 × 3 convolutions.

    Args:
        widths: channels of the maps of levels 2 … 5.
        level: which level is read; 2 is the finest.
        pyramid: channels of the feature pyramid, 0 for none.

    Source: Lin et al., "Feature Pyramid Networks" (2017); torchvision's implementation.
    """

    def __init__(self, widths: Sequence[int], level: int, pyramid: int) -> None:
        super().__init__()
        if level not in LEVELS:
            raise ValueError(f"level is one of {LEVELS}, got {level}")
        self.pyramid: nn.Module | None = None
        if pyramid:
            from torchvision.ops import FeaturePyramidNetwork

            self.pyramid = in_channels_last(FeaturePyramidNetwork(list(widths), pyramid))
        self.stage = level - LEVELS[0]
        self.dim = pyramid or widths[self.stage]

    def forward(self, maps: Sequence[Float[Tensor, "batch _ _ _"]]) -> Float[Tensor, "batch _ _ _"]:
        """The map of the level."""
        if self.pyramid is None:
            return maps[self.stage]
        named: dict[str, Tensor] = self.pyramid({str(number): one for number, one in enumerate(maps)})
        return list(named.values())[self.stage]

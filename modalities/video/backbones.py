"""The field's own networks: torchvision's image network frame by frame, and its networks of clips."""

from typing import Annotated, final

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.ranges import Between, PositiveShare, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.channels_last import in_channels_last
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.local_checkpoint import load_weights
from gestalt.core.networks.pace import Frozen, Pace

from .data import Clips
from .lattice import IMAGENET, Tubes

Stages = Annotated[int, Between(1, 4)]
"""How many stages of a network run."""


@final
class FrameResNet18(AbstractEncoder):
    """torchvision's ResNet-18 on every frame alone.

    Strides of the last stages are set to 1 until one tube takes `stride` pixels a side. The centre of tube `(y, x)`
    lies at pixel `(stride · y, stride · x)`, as the network's paddings make it.

    Args:
        stride: pixels a side of a tube: 8, 16 or 32.
        checkpoint: a local file of published weights.
        frozen: how many of the lowest layers (the stem, then the stages) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: He et al. (2016); torchvision's `resnet18`.
    """

    def __init__(
        self,
        stride: Annotated[int, Between(8, 32, only=(8, 16, 32))] = 16,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        from torchvision.models import resnet18

        self.checkpoint = None  # the architecture is built again without its weights
        network = resnet18(weights=None)
        load_weights(network, checkpoint, beside=("fc.",))
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.stages = nn.Sequential(network.layer1, network.layer2, network.layer3, network.layer4)
        for stage in list(self.stages)[{8: 2, 16: 3, 32: 4}[stride] :]:
            for layer in stage.modules():
                if isinstance(layer, nn.Conv2d):
                    layer.stride = (1, 1)
        self.paced = Pace(frozen, slower).over(self, [[self.stem], *([stage] for stage in self.stages.children())])
        self.tubes = Tubes.centred((1, stride, stride))
        self.dim = 512
        in_channels_last(self)

    def forward(self, data: Clips) -> FeatureMap:
        """One vector per tube of one frame."""
        return self.tubes.features(self._features, data, IMAGENET)

    def _features(self, colours: Float[Tensor, "batch 3 time height width"]) -> Tensor:
        frames = rearrange(colours, "b c t y x -> (b t) c y x").contiguous(memory_format=torch.channels_last)
        x = self.stages(self.stem(frames))
        features: Tensor = rearrange(x, "(b t) c y x -> b c t y x", t=colours.shape[2])
        return features


@final
class R3D18(AbstractEncoder):
    """torchvision's ResNet-18 of 3-D convolutions; a tube takes 16 × 16 pixels of 8 frames after all four stages.

    Args:
        stages: how many stages to run, 1 … 4: fewer give finer tubes (2, 4, 8, 16 pixels; 1, 2, 4, 8 frames).
        checkpoint: a local file of published weights.
        frozen: how many of the lowest layers (the stem, then the stages) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Tran et al. (2018); torchvision's `r3d_18`.
    """

    def __init__(
        self,
        stages: Stages = 3,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.stages = stages
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        from torchvision.models.video import r3d_18

        self.checkpoint = None  # the architecture is built again without its weights
        network = r3d_18(weights=None)
        load_weights(network, checkpoint, beside=("fc.",))
        self.stem = network.stem
        self.layers = nn.Sequential(network.layer1, network.layer2, network.layer3, network.layer4)[:stages]
        self.paced = Pace(frozen, slower).over(self, [[self.stem], *([layer] for layer in self.layers.children())])
        self.tubes = Tubes.centred((2 ** (stages - 1), 2**stages, 2**stages))
        self.dim = 64 * 2 ** (stages - 1)

    def forward(self, data: Clips) -> FeatureMap:
        """One vector per tube."""
        return self.tubes.features(self._features, data)

    def _features(self, colours: Float[Tensor, "batch 3 time height width"]) -> Tensor:
        features: Tensor = self.layers(self.stem(colours))
        return features


@final
class Swin3D(AbstractEncoder):
    """torchvision's Video Swin Transformer (tiny); a tube takes 32 × 32 pixels of 2 frames after all four stages.

    Args:
        stages: how many stages to run, 1 … 4: fewer give finer tubes (4, 8, 16, 32 pixels).
        checkpoint: a local file of published weights.
        frozen: how many of the lowest layers (the stem, then the stages) do not learn, −1 for the whole network.
        slower: share of the heads' learning rate that the top layer takes; each layer below takes this share again.

    Source: Liu et al. (2022); torchvision's `swin3d_t`.
    """

    def __init__(
        self,
        stages: Stages = 2,
        checkpoint: str | None = None,
        frozen: Frozen = 0,
        slower: PositiveShare = 1.0,
    ) -> None:
        super().__init__()
        self.stages = stages
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)
        from torchvision.models.video import swin3d_t

        self.checkpoint = None  # the architecture is built again without its weights
        network = swin3d_t(weights=None)
        load_weights(network, checkpoint, beside=("head.",))
        self.embed = network.patch_embed
        self.features = network.features[: 2 * stages - 1]
        self.dim = 96 * 2 ** (stages - 1)
        self.norm = network.norm if stages == 4 else nn.LayerNorm(self.dim)
        self.paced = Pace(frozen, slower).over(self, [[self.embed], *([layer] for layer in self.features.children())])
        self.tubes = Tubes((2, 2 ** (stages + 1), 2 ** (stages + 1)))

    def forward(self, data: Clips) -> FeatureMap:
        """One vector per tube."""
        return self.tubes.features(self._features, data)

    def _features(self, colours: Float[Tensor, "batch 3 time height width"]) -> Tensor:
        boxes = self.norm(self.features(self.embed(colours)))
        features: Tensor = rearrange(boxes, "b t y x d -> b d t y x")
        return features

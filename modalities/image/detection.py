"""Encoders of pictures as backbones of torchvision's detection models: boxes, instances, keypoints."""

import math
from typing import Annotated, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.runs.model import Model

from .data import Picture, Pictures


@final
class DetectionBackbone(nn.Module):
    """Pictures → maps by name, as torchvision's `FasterRCNN`, `MaskRCNN` and `KeypointRCNN` ask of a backbone.

    The first map, called "0", has the cells of the encoder; each further one, called "1", "2", …, has cells twice as
    large a side, which are means of 2 × 2 cells of the one before. All of them have `out_channels` channels.

    Pictures come as these models hand them over: in [0, 1], so that the model must not standardise them
    (`image_mean=[0, 0, 0]`, `image_std=[1, 1, 1]`): the encoder does so itself.

    Args:
        encoder: of pictures, itself and no copy: it learns with the model.
        levels: how many maps.
        frozen: the encoder does not learn, and computes in training what it does in evaluation.

    Example:
        >>> from gestalt.modalities.image import MODALITY
        >>> found = backbone(MODALITY.encoders["unet"](), levels=2)(torch.rand(1, 3, 64, 48))
        >>> {name: tuple(one.shape) for name, one in found.items()}
        {'0': (1, 32, 32, 24), '1': (1, 32, 16, 12)}
    """

    def __init__(
        self, encoder: AbstractEncoder, levels: Annotated[int, Between(1, 8)] = 1, frozen: bool = False
    ) -> None:
        super().__init__()
        self.levels, self.frozen = levels, frozen
        check_ranges(self)
        # An encoder that learns may still keep some layers as they are.
        self.encoder = encoder.requires_grad_(False) if frozen else encoder
        self.out_channels = encoder.dim
        self.train(self.training)

    def train(self, mode: bool = True) -> "DetectionBackbone":
        """Training mode, but for an encoder that is frozen."""
        super().train(mode)
        self.encoder.train(mode and not self.frozen)
        return self

    def forward(self, pixels: Float[Tensor, "batch channels height width"]) -> dict[str, Tensor]:
        """The maps by their names, from fine to coarse.

        Raises:
            ValueError: if the elements of the encoder lie on no lattice of rows and columns, or its cells are not 1, 2,
                4, … pixels a side, which these models take for granted when they look boxes up.
        """
        sizes = torch.tensor(pixels.shape[2:], device=pixels.device).expand(len(pixels), 2)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            features = self.encoder(Pictures(pixels, sizes))
        if features.grid is None or len(features.grid.shape) != 2:
            raise ValueError(
                f"a detection model needs rows and columns of cells, and {type(self.encoder).__name__} gives other "
                "elements; take an encoder of pictures whose elements are cells"
            )
        sides = [float(edges[0].diff()[0]) for edges in features.grid.edges]
        if any(math.log2(side) % 1 for side in sides):
            raise ValueError(
                f"torchvision's detection models take cells of 1, 2, 4, 8, … pixels a side, and those of "
                f"{type(self.encoder).__name__} have {' × '.join(f'{side:g}' for side in sides)}; take such a stride"
            )
        maps = [features.values.mT.unflatten(2, features.grid.shape)]
        for _ in range(self.levels - 1):
            maps.append(nn.functional.avg_pool2d(maps[-1], 2, ceil_mode=True))
        return {str(number): one for number, one in enumerate(maps)}


def backbone(
    learned: Model[Picture] | AbstractEncoder, levels: Annotated[int, Between(1, 8)] = 1, frozen: bool = False
) -> DetectionBackbone:
    """The encoder of a run, or any other of pictures, as a backbone of torchvision's detection models.

    Args:
        learned: what `gestalt.load` gives, or an encoder; it learns with the detection model.
        levels: how many maps, each with cells twice as large as the one before.
        frozen: the encoder does not learn.

    Example:
        >>> from torchvision.models.detection import FasterRCNN
        >>> from torchvision.models.detection.anchor_utils import AnchorGenerator
        >>> from gestalt.modalities.image import MODALITY
        >>> model = FasterRCNN(
        ...     backbone(MODALITY.encoders["unet"](), levels=3), num_classes=2, min_size=64, max_size=64,
        ...     image_mean=[0, 0, 0], image_std=[1, 1, 1],
        ...     rpn_anchor_generator=AnchorGenerator(((12,), (24,), (48,)), ((0.5, 1.0, 2.0),) * 3),
        ... )
        >>> sorted(model.eval()([torch.rand(3, 64, 64)])[0])
        ['boxes', 'labels', 'scores']
    """
    return DetectionBackbone(learned.encoder if isinstance(learned, Model) else learned, levels, frozen)

"""Scenes as items with parts: the picture, and its caption written or spoken."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.joint import JointItem

from .scenes import Composer, saying
from .told import Telling
from .words import Caption


@final
@dataclass(frozen=True)
class CaptionedScenes(AbstractItems[JointItem]):
    """`count` scenes of a composer, each composed once and kept: 12 kB for 64 × 64 pixels.

    Attributes:
        count: how many.
        composer: of the scenes.
        telling: how captions become a part.
    """

    count: int
    composer: Composer
    telling: Telling
    _kept: dict[int, tuple[UInt8[Tensor, "3 height width"], Caption]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __len__(self) -> int:
        """Number of scenes."""
        return self.count

    def read(self, index: int, rng: np.random.Generator) -> JointItem:  # noqa: ARG002
        """The picture and its caption."""
        if index not in self._kept:
            scene = self.composer.scene(index)
            self._kept[index] = (scene.pixels * 255).round().to(torch.uint8), scene.caption
        pixels, caption = self._kept[index]
        return self.telling.item(pixels.float() / 255, caption, saying(self.composer.seed, index))

    def name(self, index: int) -> str:
        """The part of the data, the seed and the number."""
        return f"{self.composer.part} scene {index} of seed {self.composer.seed}"

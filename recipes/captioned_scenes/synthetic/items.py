"""Scenes as items with parts: the picture, and its caption written or spoken."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.joint import JointItem

from ...composed import Kept
from .scenes import Composer, saying
from .told import Telling
from .words import Caption


@final
@dataclass(frozen=True)
class CaptionedScenes(AbstractItems[JointItem]):
    """`count` scenes of a composer, composed when they are read; the first are kept: 12 kB for 64 × 64 pixels.

    Attributes:
        count: how many.
        composer: of the scenes.
        telling: how captions become a part.
    """

    count: int
    composer: Composer
    telling: Telling

    def __len__(self) -> int:
        """Number of scenes."""
        return self.count

    def read(self, index: int, rng: np.random.Generator) -> JointItem:  # noqa: ARG002
        """The picture and its caption."""
        pixels, caption = self._kept[index]
        return self.telling.item(pixels.float() / 255, caption, saying(self.composer.seed, index))

    def name(self, index: int) -> str:
        """The part of the data, the seed and the number."""
        return f"{self.composer.part} scene {index} of seed {self.composer.seed}"

    @cached_property
    def _kept(self) -> Kept[tuple[UInt8[Tensor, "3 height width"], Caption]]:
        return Kept(self._compact)

    def _compact(self, index: int) -> tuple[UInt8[Tensor, "3 height width"], Caption]:
        scene = self.composer.scene(index)
        return (scene.pixels * 255).round().to(torch.uint8), scene.caption

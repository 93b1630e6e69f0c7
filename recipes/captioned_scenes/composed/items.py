"""Scenes as items with parts: the picture, and its caption written or spoken."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.joint import JointItem

from .scenes import Composer, Scene


@final
@dataclass(frozen=True)
class CaptionedScenes(AbstractItems[JointItem]):
    """`count` scenes of a composer.

    Attributes:
        count: how many.
        composer: of the scenes.
        parts: an item of a scene.
    """

    count: int
    composer: Composer
    parts: Callable[[Scene], JointItem]

    def __len__(self) -> int:
        """Number of scenes."""
        return self.count

    def read(self, index: int, rng: np.random.Generator) -> JointItem:  # noqa: ARG002
        """The picture and its caption."""
        return self.parts(self.composer.scene(index))

    def name(self, index: int) -> str:
        """The part of the data, the seed and the number."""
        return f"{self.composer.part} scene {index} of seed {self.composer.seed}"

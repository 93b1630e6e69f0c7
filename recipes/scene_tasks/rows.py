"""The rows of every table: encoders, and whether they are trained with the head."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

import numpy as np
import torch

from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.segmenters import Rounds
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.options import Training
from gestalt.modalities.image import MODALITY, Picture

from ..image_objects.recipe import ImageObjects
from ..image_objects.recipe import Options as ImageOptions
from ..rounds_table.cells import trained
from .scenes import SIZE, Scenes

CELL = 2
"""Pixels a side of the elements of every encoder."""
ROUNDS = 4
"""The image recipe finds its segments anew so many times in its 1100 steps."""


@final
@dataclass(frozen=True)
class Row:
    """Which encoder a head is fitted to, and whether both are trained together."""

    name: str
    start: Literal["plain", "fresh", "pre-trained"]
    tuned: bool

    @property
    def folder(self) -> str:
        """Its name in paths."""
        return self.name.replace(", ", "-").replace(" ", "-")


ROWS = (
    Row("plain features", "plain", False),
    Row("random network, frozen", "fresh", False),
    Row("from scratch", "fresh", True),
    Row("pre-trained, frozen", "pre-trained", False),
    Row("pre-trained, tuned", "pre-trained", True),
)


@final
class Pictures(AbstractItems[Picture]):
    """The pictures of scenes, without what is true of them."""

    def __init__(self, scenes: Scenes) -> None:
        self.scenes = scenes

    def __len__(self) -> int:
        return len(self.scenes)

    def read(self, index: int, rng: np.random.Generator) -> Picture:  # noqa: ARG002
        """The picture of a scene."""
        return self.scenes.pixels[index]

    def name(self, index: int) -> str:
        """Its number."""
        return f"scene {index}"


def plain() -> AbstractEncoder:
    """Colours and textures of cells, without parameters."""
    return MODALITY.encoders["raw"](stride=CELL)


def fresh(seed: int) -> AbstractEncoder:
    """The image recipe's encoder as it begins."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODALITY.encoders["unet"](stride=CELL)


def pretrained(scenes: Scenes, training: Training, folder: Path) -> AbstractEncoder:
    """The image recipe's encoder, trained by its method on the pictures alone; a stopped training goes on."""
    options = ImageOptions(size=SIZE, test_scenes=1, training=training)
    rounds = replace(options.method, rounds=Rounds(max(1, training.steps // ROUNDS)))  # type: ignore[call-arg]
    recipe = ImageObjects(replace(options, method=rounds))
    data = replace(recipe.data(), items=Pictures(scenes))
    threads = torch.get_num_threads()
    try:
        return trained(recipe, data, folder).online.encoder.eval()
    finally:
        torch.set_num_threads(threads)

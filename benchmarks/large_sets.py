"""Three large public data sets: how large they are, and small files of the same form to measure with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import soundfile
import torch
import torchvision
from torch import nn
from torchvision.transforms.v2 import functional

from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.audio import Audio
from gestalt.modalities.graph import GraphModality
from gestalt.modalities.image import Image
from gestalt.recipes.scene_sources import photograph

SMILES = Path(__file__).parents[1] / "recipes" / "samples" / "graph" / "chembl_drugs.smi"


@final
@dataclass(frozen=True)
class LargeSet:
    """A data set, and how it would be learned from.

    Attributes:
        items: how many it has.
        epochs: that a training takes, for the arithmetic.
        modality: reads and transforms the items.
        encoder: what sees them.
        write: files of the same form, so many items, below a folder.
        listed: files that take as long as those before they are decoded, in archives.
        packed: whether its files are packed into archives; records of one file are not.
    """

    items: int
    epochs: int
    modality: Any
    encoder: Callable[[], AbstractEncoder]
    write: Callable[[Path, int], None]
    listed: Callable[[Path, int], None]
    packed: bool = True


def pictures(folder: Path, count: int) -> None:
    """Crops of a photograph as JPEG files of 500 × 375 pixels, about as many bytes each as those of ImageNet."""
    whole = (photograph("astronaut") * 255).round().byte()
    rng = np.random.default_rng(0)
    for number in range(count):
        top, left = rng.integers(0, 512 - 300), rng.integers(0, 512 - 400)
        crop = whole[:, top : top + 300, left : left + 400]
        larger = functional.resize(crop, [375, 500], antialias=True)
        torchvision.io.write_jpeg(larger, str(folder / f"{number:06d}.jpg"), quality=98)


def small_pictures(folder: Path, count: int) -> None:
    """Sixteen times as many, of 16 × 16 pixels: pictures are only listed before the first step."""
    rng = np.random.default_rng(0)
    for number in range(16 * count):
        pixels = torch.from_numpy(rng.integers(0, 255, (3, 16, 16), dtype=np.uint8))
        torchvision.io.write_jpeg(pixels, str(folder / f"{number:06d}.jpg"))


def recordings(folder: Path, count: int) -> None:
    """Ten seconds of noise with a tone in FLAC, 16 kHz: about 260 kB each, more than most sounds take."""
    rng = np.random.default_rng(0)
    tone = np.sin(np.arange(160_000) * 0.2)
    for number in range(count):
        sound = 0.1 * rng.standard_normal(160_000) + 0.3 * tone
        soundfile.write(folder / f"{number:06d}.flac", sound, 16_000)


def molecules(folder: Path, count: int) -> None:
    """The shipped SMILES over and over, a molecule on every line, in two files."""
    own = SMILES.read_text(encoding="utf-8").splitlines()
    for number, half in enumerate((count // 2, count - count // 2)):
        with (folder / f"{number}.smi").open("w", encoding="utf-8") as file:
            file.writelines(f"{own[line % len(own)]}\n" for line in range(half))


IMAGE, AUDIO, GRAPH = Image(size=224), Audio(seconds=10.0), GraphModality()
SETS: Mapping[str, LargeSet] = {
    "ImageNet-1k": LargeSet(1_281_167, 100, IMAGE, lambda: IMAGE.encoders["resnet50"](), pictures, small_pictures),
    "AudioSet": LargeSet(2_084_320, 50, AUDIO, lambda: AUDIO.encoders["transformer"](), recordings, recordings),
    "ten million molecules": LargeSet(
        10_000_000, 20, GRAPH, lambda: GRAPH.encoders["gin"](), molecules, molecules, packed=False
    ),
}
"""The numbers of items are those that the makers of ImageNet (ILSVRC 2012, training) and AudioSet state."""


def size_of(network: nn.Module) -> int:
    """How many parameters are trained, and so how many gradients are shared."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)

"""Scenes: clothing of random textures on photographs, composed deterministically, with the mask and class of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems
from gestalt.modalities.image import Picture

from ...scene_sources import Clothing, Part, clothing
from .photographs import photographs

SEEN = 0.5
"""An item shows at least this share of itself: what lies on top of it hides no more."""
TRIES = 20


@final
@dataclass(frozen=True)
class Composing:
    """How scenes are composed.

    Attributes:
        size: pixels a side.
        least: fewest items of a scene.
        most: most items of a scene; those that find no place are left out.
        smallest: side of the smallest item, in pixels.
        largest: side of the largest item, in pixels.
    """

    size: int = 64
    least: int = 2
    most: int = 4
    smallest: int = 24
    largest: int = 44

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.largest <= self.size:
            raise ValueError(
                f"items of {self.smallest} to {self.largest} pixels a side do not fit into scenes of {self.size}; "
                "choose 1 ≤ smallest ≤ largest ≤ size"
            )

    @classmethod
    def of_size(cls, size: int) -> "Composing":
        """Scenes of `size` pixels a side: small ones have smaller items, large ones more space around them."""
        shrunk = min(1.0, size / cls.size)
        return cls(size=size, smallest=round(cls.smallest * shrunk), largest=round(cls.largest * shrunk))


@final
@dataclass(frozen=True)
class Scene:
    """`owner` is the number of the item on top of every pixel, −1 for the photograph; `classes` that of every item."""

    pixels: Float[Tensor, "3 height width"]
    owner: Int[Tensor, "height width"]
    classes: Int[Tensor, " items"]


@final
class Scenes(AbstractItems[Picture]):
    """`count` scenes of one part; scene `i` of a seed is always the same."""

    def __init__(self, count: int, seed: int, part: Part, config: Composing) -> None:
        self.count = count
        self.seed = seed
        self.part: Part = part
        self.config = config
        self._clothing = clothing(part)
        self._photographs = photographs(part)

    def __len__(self) -> int:
        """Number of scenes."""
        return self.count

    def scene(self, index: int) -> Scene:
        """Scene `index` with what is true of it."""
        rng = np.random.default_rng([self.seed, index])
        return compose(self._clothing, self._photographs, self.config, rng)

    def read(self, index: int, rng: np.random.Generator) -> Picture:  # noqa: ARG002
        """The picture alone."""
        return self.scene(index).pixels

    def name(self, index: int) -> str:
        """The part, the seed and the number."""
        return f"{self.part} scene {index} of seed {self.seed}"


def compose(
    items: Clothing, backgrounds: Sequence[Float[Tensor, "3 _ _"]], config: Composing, rng: np.random.Generator
) -> Scene:
    """One scene: every item is turned, resized, and drawn in a texture of two colours that its own grey shades."""
    size = config.size
    pixels = _background(backgrounds, size, rng)
    owner = torch.full((size, size), -1)
    classes: list[int] = []
    for _ in range(int(rng.integers(config.least, config.most + 1))):
        number = int(rng.integers(len(items)))
        grey, mask = _turned(items.images[number], int(rng.integers(config.smallest, config.largest + 1)), rng)
        painted = _painted(grey, rng)
        height, width = mask.shape
        for _ in range(TRIES):
            top, left = int(rng.integers(size - height + 1)), int(rng.integers(size - width + 1))
            place = (slice(top, top + height), slice(left, left + width))
            changed = owner[place].clone()
            changed[mask] = len(classes)
            after = owner.clone()
            after[place] = changed
            if all(_shows(owner, after, other) for other in range(len(classes))):
                owner = after
                pixels[:, place[0], place[1]] = torch.where(mask, painted, pixels[:, place[0], place[1]])
                classes.append(int(items.labels[number]))
                break
    return Scene(pixels, owner, torch.tensor(classes))


def _shows(before: Int[Tensor, "h w"], after: Int[Tensor, "h w"], number: int) -> bool:
    """Whether enough of an item would be left; what earlier items hid of it counts as if it were all of it."""
    return int((after == number).sum()) >= max(1, SEEN * int((before == number).sum()))


def _background(backgrounds: Sequence[Float[Tensor, "3 _ _"]], size: int, rng: np.random.Generator) -> Tensor:
    """A part of a photograph, 64 to 160 of its pixels a side, mirrored by chance, with other brightness and tint."""
    from torchvision.transforms.v2 import functional

    photograph = backgrounds[int(rng.integers(len(backgrounds)))]
    side = int(rng.integers(64, 161))
    top = int(rng.integers(photograph.shape[1] - side + 1))
    left = int(rng.integers(photograph.shape[2] - side + 1))
    part = photograph[:, top : top + side, left : left + side]
    part = part.flip(2) if rng.random() < 0.5 else part
    resized: Tensor = functional.resize(part, [size, size], antialias=True)
    tint = torch.from_numpy(rng.uniform(0.75, 1.25, (3, 1, 1)).astype(np.float32))
    return (resized * tint).clamp(0, 1)


def _turned(image: Tensor, side: int, rng: np.random.Generator) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """The item at another size, mirrored by chance and turned by up to 20 degrees, cut to where it is."""
    from torchvision.transforms.v2 import InterpolationMode, functional

    grey = image.float()[None] / 255
    grey = grey.flip(2) if rng.random() < 0.5 else grey
    grey = functional.rotate(grey, float(rng.uniform(-20, 20)), InterpolationMode.BILINEAR, expand=True)
    grey = functional.resize(grey, [side, side], antialias=True)[0].clamp(0, 1)
    mask = grey > 0.12
    rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    return grey[box], mask[box]


def _painted(grey: Float[Tensor, "h w"], rng: np.random.Generator) -> Float[Tensor, "3 h w"]:
    """Two random colours in a random texture, shaded by the item's own grey."""
    one, two = (torch.from_numpy(rng.uniform(0.05, 1.0, 3).astype(np.float32))[:, None, None] for _ in range(2))
    weight = _texture(int(rng.integers(4)), tuple(grey.shape), rng)
    return ((1 - weight) * one + weight * two) * (0.35 + 0.65 * grey)


def _texture(kind: int, size: tuple[int, ...], rng: np.random.Generator) -> Float[Tensor, "h w"]:
    """Plain, stripes, checks or blotches, in [0, 1]."""
    down, across = torch.meshgrid(*(torch.arange(length, dtype=torch.float32) for length in size), indexing="ij")
    angle, period = float(rng.uniform(0, math.pi)), float(rng.uniform(3.0, 8.0))
    along = (math.cos(angle) * down + math.sin(angle) * across) * 2 * math.pi / period
    if kind == 0:
        return torch.zeros(size)
    if kind == 1:
        return (0.5 + 2 * torch.sin(along)).clamp(0, 1)
    if kind == 2:
        over = (math.cos(angle) * across - math.sin(angle) * down) * 2 * math.pi / period
        return (0.5 + 2 * torch.sin(along) * torch.sin(over)).clamp(0, 1)
    coarse = torch.from_numpy(rng.standard_normal((1, 1, 8, 8), dtype=np.float32))
    fine = torch.nn.functional.interpolate(coarse, size, mode="bicubic")[0, 0]
    return (0.5 + 1.5 * fine).clamp(0, 1)

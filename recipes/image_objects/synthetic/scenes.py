"""Scenes: clothing on photographs, composed deterministically, with the mask and class of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems
from gestalt.modalities.image import Picture

from ...scene_sources import Clothing, Part, clothing
from .materials import Cover, Material, part_of_photograph, photographic, textured
from .photographs import photographs

SEEN = 0.5
"""An item shows at least this share of itself: what lies on top of it hides no more."""
TRIES = 20
BACKGROUND = (64, 160)
"""Sides of the part of a photograph that becomes a background, in pixels of the photograph."""


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
        material: what items are made of.
    """

    size: int = 64
    least: int = 2
    most: int = 4
    smallest: int = 24
    largest: int = 44
    material: Material = "textures"

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.largest <= self.size:
            raise ValueError(
                f"items of {self.smallest} to {self.largest} pixels a side do not fit into scenes of {self.size}; "
                "choose 1 ≤ smallest ≤ largest ≤ size"
            )

    @classmethod
    def of_size(cls, size: int, material: Material = "textures") -> "Composing":
        """Scenes of `size` pixels a side.

        Textured items are smaller in small scenes, and have more space around them in large ones; parts of photographs
        grow with the scene, as little is to be seen of a photograph on a few pixels.
        """
        ratio = size / cls.size if material == "photographs" else min(1.0, size / cls.size)
        smallest, largest = round(cls.smallest * ratio), round(cls.largest * ratio)
        return cls(size=size, smallest=smallest, largest=largest, material=material)


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
        self._covered = covering(config.material, self._photographs)

    def __len__(self) -> int:
        """Number of scenes."""
        return self.count

    def scene(self, index: int) -> Scene:
        """Scene `index` with what is true of it."""
        rng = np.random.default_rng([self.seed, index])
        return compose(self._clothing, self._covered, self._photographs, self.config, rng)

    def read(self, index: int, rng: np.random.Generator) -> Picture:  # noqa: ARG002
        """The picture alone."""
        return self.scene(index).pixels

    def name(self, index: int) -> str:
        """The part, the seed and the number."""
        return f"{self.part} scene {index} of seed {self.seed}"


Covering = Callable[[Float[Tensor, "h w"], Bool[Tensor, "h w"], np.random.Generator], Cover]
"""What makes the cover of an item of its grey and its outline."""


def covering(material: Material, photographs: Sequence[Float[Tensor, "3 _ _"]]) -> Covering:
    """What covers items of a material."""
    ways: dict[Material, Covering] = {"textures": textured, "photographs": partial(photographic, photographs)}
    return ways[material]


def compose(
    items: Clothing,
    covered: Covering,
    backgrounds: Sequence[Float[Tensor, "3 _ _"]],
    config: Composing,
    rng: np.random.Generator,
) -> Scene:
    """One scene: every item is turned, resized, and covered with what it is made of, which its own grey shades."""
    size = config.size
    pixels = part_of_photograph(backgrounds, BACKGROUND, (size, size), rng)
    owner = torch.full((size, size), -1)
    classes: list[int] = []
    for _ in range(int(rng.integers(config.least, config.most + 1))):
        number = int(rng.integers(len(items)))
        grey, mask = turned(items.images[number], int(rng.integers(config.smallest, config.largest + 1)), rng)
        cover = covered(grey, mask, rng)
        found = placed(owner, mask, rng)
        if found is not None:
            owner, place = found
            pixels[:, place[0], place[1]] = cover.over(pixels[:, place[0], place[1]])
            classes.append(int(items.labels[number]))
    return Scene(pixels, owner, torch.tensor(classes))


def placed(
    owner: Int[Tensor, "height width"], mask: Bool[Tensor, "h w"], rng: np.random.Generator
) -> tuple[Int[Tensor, "height width"], tuple[slice, slice]] | None:
    """A further item on top of others, which hides none of them by much: who owns every pixel then, and where it lies.

    None where `TRIES` places were no good.
    """
    items, (height, width) = int(owner.max()) + 1, mask.shape
    for _ in range(TRIES):
        top = int(rng.integers(owner.shape[0] - height + 1))
        left = int(rng.integers(owner.shape[1] - width + 1))
        place = (slice(top, top + height), slice(left, left + width))
        changed = owner[place].clone()
        changed[mask] = items
        after = owner.clone()
        after[place] = changed
        if all(_shows(owner, after, other) for other in range(items)):
            return after, place
    return None


def _shows(before: Int[Tensor, "h w"], after: Int[Tensor, "h w"], number: int) -> bool:
    """Whether enough of an item would be left; what earlier items hid of it counts as if it were all of it."""
    return int((after == number).sum()) >= max(1, SEEN * int((before == number).sum()))


def turned(image: Tensor, side: int, rng: np.random.Generator) -> tuple[Float[Tensor, "h w"], Bool[Tensor, "h w"]]:
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

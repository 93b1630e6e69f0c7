"""Scenes in which things stand at known depths: what is nearer is larger and hides what is behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..image_objects.synthetic.materials import part_of_photograph, textured
from ..image_objects.synthetic.photographs import photographs
from ..image_objects.synthetic.scenes import BACKGROUND, placed, turned
from ..scene_sources import Clothing, Part, clothing
from .keypoints_of import KEYPOINTS, extreme_points

SIZE = 64
"""Pixels a side."""
MOST = 4
"""Things of a scene, at most; there are two at least, where they find a place."""
NEAREST, FARTHEST = 1.0, 2.0
"""Between these depths things stand."""
LARGEST = 44
"""Side of a thing at depth 1, in pixels; at depth z it is `LARGEST / z`, a tenth more or less."""
GROUND = (4.0, 2.0)
"""Depth of the photograph in the first and in the last row: a plane that comes nearer from top to bottom."""
TEST_SEED = 1_000_000
"""Of the scenes that are asked about."""


@final
@dataclass(frozen=True)
class Scenes:
    """Scenes with what is true of them; a scene of fewer things than others has −1 and False in their place.

    Attributes:
        pixels: in [0, 1].
        owner: the number of the thing on top of every pixel, −1 for the photograph.
        depth: of what every pixel shows.
        classes: of clothing, of every thing.
        boxes: left, top, right, bottom of what is to be seen of every thing; the last pixel lies before the end.
        points: column and row of four extreme points of every thing, in pixels: centres of pixels end in ½.
        visible: whether a point is to be seen.
    """

    pixels: Float[Tensor, "scenes 3 size size"]
    owner: Int[Tensor, "scenes size size"]
    depth: Float[Tensor, "scenes size size"]
    classes: Int[Tensor, "scenes things"]
    boxes: Float[Tensor, "scenes things 4"]
    points: Float[Tensor, "scenes things keypoints 2"]
    visible: Bool[Tensor, "scenes things keypoints"]

    def __len__(self) -> int:
        return len(self.pixels)

    def masks(self, scene: int) -> Bool[Tensor, "things size size"]:
        """What is to be seen of every thing of a scene."""
        numbers = torch.arange(int((self.classes[scene] >= 0).sum()))
        return self.owner[scene] == numbers[:, None, None]

    @classmethod
    def joined(cls, scenes: "list[Scenes]") -> "Scenes":
        """Several one behind the other."""
        return cls(*(torch.cat([getattr(one, name) for one in scenes]) for name in cls.__dataclass_fields__))


@lru_cache(maxsize=3)
def scenes(count: int, seed: int, part: Part) -> Scenes:
    """Scenes of the items and photographs of one part; scene `i` of a seed is always the same."""
    items, backgrounds = clothing(part), photographs(part)
    return Scenes.joined([compose(items, backgrounds, np.random.default_rng([seed, i])) for i in range(count)])


def compose(items: Clothing, backgrounds: Sequence[Tensor], rng: np.random.Generator) -> Scenes:
    """One scene, painted from far to near."""
    pixels = part_of_photograph(backgrounds, BACKGROUND, (SIZE, SIZE), rng)
    owner = torch.full((SIZE, SIZE), -1)
    depth = torch.linspace(*GROUND, SIZE)[:, None].repeat(1, SIZE)
    classes = torch.full((1, MOST), -1)
    points, visible = torch.full((1, MOST, KEYPOINTS, 2), -1.0), torch.zeros(1, MOST, KEYPOINTS, dtype=torch.bool)
    far_to_near = np.sort(rng.uniform(NEAREST, FARTHEST, int(rng.integers(2, MOST + 1))))[::-1]
    thing = 0
    for z in far_to_near.tolist():
        number = int(rng.integers(len(items)))
        grey, mask = turned(items.images[number], round(LARGEST / z * rng.uniform(0.9, 1.1)), rng)
        cover = textured(grey, mask, rng)
        found = placed(owner, mask, rng)
        if found is None:
            continue
        owner, place = found
        pixels[:, place[0], place[1]] = cover.over(pixels[:, place[0], place[1]])
        depth[owner == thing] = z
        classes[0, thing] = items.labels[number]
        corner = torch.tensor([place[1].start, place[0].start])
        points[0, thing] = extreme_points(mask) + corner
        thing += 1
    boxes = torch.full((1, MOST, 4), -1.0)
    for one in range(thing):
        seen = owner == one
        rows, columns = seen.any(dim=1).nonzero()[:, 0], seen.any(dim=0).nonzero()[:, 0]
        boxes[0, one] = torch.stack([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        across, down = points[0, one].floor().long().unbind(dim=1)
        visible[0, one] = owner[down, across] == one
    return Scenes(pixels[None], owner[None], depth[None], classes, boxes, points, visible)

"""Captioned scenes, composed deterministically: the picture, what is where, the sentence, and false ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...image_objects.synthetic.materials import part_of_photograph
from ...image_objects.synthetic.photographs import photographs
from ...image_objects.synthetic.scenes import BACKGROUND, placed, turned
from ...scene_sources import Part, clothing
from .changed import one_word_changed
from .covers import coloured
from .words import COLOURS, TEXTURES, Caption, Described, Sort, caption_of

TRIES = 8
"""So often a scene begins anew in which fewer than two items found a place."""


@final
@dataclass(frozen=True)
class Composing:
    """How scenes are composed.

    Attributes:
        size: pixels a side.
        most: most items of a scene; there are two at least.
        smallest: side of the smallest item, in pixels.
        largest: side of the largest item, in pixels.
    """

    size: int = 64
    most: int = 3
    smallest: int = 22
    largest: int = 32

    @classmethod
    def of_size(cls, size: int) -> "Composing":
        """Scenes of `size` pixels a side, with items that grow with it."""
        return cls(size, smallest=round(22 * size / 64), largest=round(32 * size / 64))


@final
@dataclass(frozen=True)
class Scene:
    """A picture with its caption, and what is true of both.

    `owner` is the number of the item on top of every pixel, −1 for the photograph; `items` what can be said of each;
    `changed` the caption with one word changed, by what the word says; `source` the seed and the number.
    """

    pixels: Float[Tensor, "3 height width"]
    owner: Int[Tensor, "height width"]
    items: tuple[Described, ...]
    caption: Caption
    changed: Mapping[Sort, Caption]
    source: tuple[int, int]

    def rng(self) -> np.random.Generator:
        """What is drawn of how its captions are said: always the same."""
        return saying(*self.source)

    def region(self, phrase: int) -> Bool[Tensor, "height width"]:
        """The pixels of the items that a phrase of the caption fits: one item, mostly."""
        fitting = [number for number, item in enumerate(self.items) if self.caption.phrases[phrase].fits(item)]
        return torch.isin(self.owner, torch.tensor(fitting))


@final
@dataclass(frozen=True)
class Composer:
    """Scenes of one part of the data; scene `i` of a seed is always the same."""

    part: Part
    seed: int
    config: Composing

    def scene(self, index: int) -> Scene:
        """Scene `index`."""
        rng = np.random.default_rng([self.seed, index])
        for _ in range(TRIES):
            pixels, owner, items = self._composed(rng)
            if len(items) > 1:
                break
        else:
            raise ValueError(f"no two items of {self.config} find a place in a scene; make them smaller")
        caption = caption_of(items, rng)
        pixels = (pixels * 255).round() / 255  # as it would come from a file
        changed = one_word_changed(caption, items, rng)
        return Scene(pixels, owner, items, caption, changed, (self.seed, index))

    def _composed(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, tuple[Described, ...]]:
        size, clothes = self.config.size, clothing(self.part)
        pixels = part_of_photograph(photographs(self.part), BACKGROUND, (size, size), rng)
        owner, said = torch.full((size, size), -1), list[tuple[int, int, int]]()
        for _ in range(int(rng.integers(2, self.config.most + 1))):
            number = int(rng.integers(len(clothes)))
            side = int(rng.integers(self.config.smallest, self.config.largest + 1))
            grey, mask = turned(clothes.images[number], side, rng)
            colour, kind = int(rng.integers(len(COLOURS))), int(rng.integers(len(TEXTURES)))
            cover = coloured(grey, mask, colour, kind, rng)
            found = placed(owner, mask, rng)
            if found is not None:
                owner, place = found
                pixels[:, place[0], place[1]] = cover.over(pixels[:, place[0], place[1]])
                said.append((colour, kind, int(clothes.labels[number])))
        items = tuple(Described(*one, _centre(owner == number)) for number, one in enumerate(said))
        return pixels, owner, items


def saying(seed: int, index: int) -> np.random.Generator:
    """Random numbers for the caption of a scene, beside those of which the scene is made."""
    return np.random.default_rng([seed, index, 1])


def _centre(shown: Bool[Tensor, "height width"]) -> tuple[float, float]:
    """Row and column of the middle of what is to be seen of an item."""
    row, column = shown.nonzero().double().mean(dim=0).tolist()
    return row, column

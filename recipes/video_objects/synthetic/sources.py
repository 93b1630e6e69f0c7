"""What moving scenes are made of: clothing items with their outlines, and photographs, each kept apart by part."""

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import binary_fill_holes
from torch import Tensor

from ...scene_sources import Part, clothing, photograph

SHORTER = 176  # pixels: the shorter side that photographs are brought to
FAINT = 12  # of 255: darker pixels of an item are its ground

PHOTOGRAPHS: dict[Part, tuple[str, ...]] = {
    "train": ("coffee", "rocket", "immunohistochemistry", "retina", "grass", "moon", "hubble_deep_field"),
    "validation": ("camera", "brick"),
    "test": ("astronaut", "chelsea", "gravel"),
}
"""No photograph of one part is in another; those of scikit-image that need no download."""


@final
@dataclass(frozen=True)
class Sources:
    """Items of clothing with their outlines and kinds, and photographs to put them on.

    `items` are grey values in [0, 1], `outlines` 1 inside an item; photographs are `3 height width` in [0, 1].
    """

    items: Float[Tensor, "items 28 28"]
    outlines: Float[Tensor, "items 28 28"]
    kinds: Int[Tensor, " items"]
    photographs: tuple[Float[Tensor, "3 _ _"], ...]


@lru_cache(maxsize=3)
def load_sources(part: Part) -> Sources:
    """The sources of one part; no two parts share an item or a photograph."""
    shown = clothing(part)
    outlines = np.stack([binary_fill_holes(image > FAINT) for image in shown.images.numpy()])
    return Sources(
        shown.images.float() / 255,
        torch.from_numpy(outlines).float(),
        shown.labels,
        tuple(_shrunk(photograph(name)) for name in PHOTOGRAPHS[part]),
    )


def _shrunk(picture: Float[Tensor, "3 _ _"]) -> Float[Tensor, "3 height width"]:
    scale = SHORTER / min(picture.shape[1:])
    resized: Tensor = torch.nn.functional.interpolate(
        picture[None], scale_factor=scale, mode="bilinear", antialias=True
    )
    return resized[0].clamp(0, 1).contiguous()

"""What scenes are made of: the shipped clothing items, and photographs that scikit-image carries."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import binary_fill_holes
from torch import Tensor

VALIDATION = 1000
"""So many of the shipped training items, the last ones, are for choosing options."""
SHORTER = 176  # pixels: the shorter side that photographs are brought to
FAINT = 12  # of 255: darker pixels of an item are its ground

PHOTOGRAPHS = {
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
def load_sources(part: str) -> Sources:
    """The sources of one part, `train`, `validation` or `test`; no two parts share an item or a photograph."""
    with (
        as_file(files("gestalt.recipes") / "samples" / "image" / "fashion_items.npz") as path,
        np.load(path) as shipped,
    ):
        shown, labels = (shipped[f"{'test' if part == 'test' else 'train'}_{name}"] for name in ("images", "labels"))
    if part != "test":
        chosen = slice(-VALIDATION, None) if part == "validation" else slice(0, -VALIDATION)
        shown, labels = shown[chosen], labels[chosen]
    outlines = np.stack([binary_fill_holes(image > FAINT) for image in shown])
    return Sources(
        torch.from_numpy(shown).float() / 255,
        torch.from_numpy(outlines).float(),
        torch.from_numpy(labels).long(),
        tuple(_photograph(name) for name in PHOTOGRAPHS[part]),
    )


def kind_names() -> tuple[str, ...]:
    """What the kinds of clothing are called."""
    with (
        as_file(files("gestalt.recipes") / "samples" / "image" / "fashion_items.npz") as path,
        np.load(path) as shipped,
    ):
        return tuple(str(name) for name in shipped["names"])


def _photograph(name: str) -> Float[Tensor, "3 height width"]:
    import skimage.data

    picture = torch.from_numpy(np.array(getattr(skimage.data, name)())).float() / 255
    picture = picture[..., None].expand(-1, -1, 3) if picture.ndim == 2 else picture[..., :3]
    channels = picture.permute(2, 0, 1)[None]
    scale = SHORTER / min(channels.shape[2:])
    resized: Tensor = torch.nn.functional.interpolate(channels, scale_factor=scale, mode="bilinear", antialias=True)
    return resized[0].clamp(0, 1).contiguous()

"""What scenes are made of: the shipped clothing items, and the photographs inside scikit-image, each kept apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

Part = Literal["train", "validation", "test"]

VALIDATION = 1000
"""So many of the items that ship for training are kept for choosing options."""

PHOTOGRAPHS: dict[Part, tuple[str, ...]] = {
    "train": ("coffee", "gravel", "grass", "rocket", "retina", "hubble_deep_field", "moon"),
    "validation": ("camera", "immunohistochemistry"),
    "test": ("chelsea", "brick", "astronaut"),
}
"""Backgrounds by their name in `skimage.data`; no photograph is in two parts."""


@final
@dataclass(frozen=True)
class Clothing:
    """Items in grey on nothing, and the class of each."""

    images: UInt8[Tensor, "items 28 28"]
    labels: Int[Tensor, " items"]

    def __len__(self) -> int:
        return len(self.images)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Tensor | tuple[str, ...]]:
    with (files("gestalt.recipes") / "samples" / "image" / "fashion_items.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        names = tuple(str(name) for name in arrays["names"])
        return {key: torch.from_numpy(arrays[key].copy()) for key in arrays if key != "names"} | {"names": names}


def names() -> tuple[str, ...]:
    """The ten classes."""
    found = _shipped()["names"]
    assert isinstance(found, tuple)
    return found


def clothing(part: Part) -> Clothing:
    """The items of one part; none is in two parts."""
    kind = "test" if part == "test" else "train"
    images, labels = _shipped()[f"{kind}_images"], _shipped()[f"{kind}_labels"]
    assert isinstance(images, Tensor)
    assert isinstance(labels, Tensor)
    chosen = {
        "train": slice(None, len(images) - VALIDATION),
        "validation": slice(len(images) - VALIDATION, None),
        "test": slice(None),
    }[part]
    return Clothing(images[chosen], labels[chosen].long())


@lru_cache(maxsize=3)
def photographs(part: Part) -> Sequence[Float[Tensor, "3 height width"]]:
    """The photographs of one part, at most 320 pixels a side; grey ones have three equal channels."""
    from skimage import data
    from torchvision.transforms.v2 import functional

    found = []
    for name in PHOTOGRAPHS[part]:
        pixels = torch.from_numpy(getattr(data, name)().copy()).float() / 255
        colour = pixels.expand(3, -1, -1) if pixels.ndim == 2 else pixels.permute(2, 0, 1)
        ratio = 320 / max(colour.shape[1:])
        size = [round(length * ratio) for length in colour.shape[1:]]
        found.append(functional.resize(colour, size, antialias=True).clamp(0, 1).contiguous())
    return tuple(found)

"""What the composed scenes of several recipes are made of: the shipped clothing items, and photographs."""

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
"""So many of the items that ship for training, the last ones, are kept for choosing options."""


@final
@dataclass(frozen=True)
class Clothing:
    """Items in grey on nothing, and the class of each."""

    images: UInt8[Tensor, "items 28 28"]
    labels: Int[Tensor, " items"]

    def __len__(self) -> int:
        return len(self.images)


@lru_cache(maxsize=1)
def _shipped() -> tuple[dict[str, Tensor], tuple[str, ...]]:
    with (files("gestalt.recipes") / "samples" / "image" / "fashion_items.npz").open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        names = tuple(str(name) for name in arrays["names"])
        return {key: torch.from_numpy(arrays[key].copy()) for key in arrays if key != "names"}, names


def class_names() -> tuple[str, ...]:
    """The ten classes of clothing."""
    return _shipped()[1]


def clothing(part: Part) -> Clothing:
    """The items of one part; no item is in two parts."""
    arrays, _ = _shipped()
    side = "test" if part == "test" else "train"
    images, labels = arrays[f"{side}_images"], arrays[f"{side}_labels"]
    chosen = {
        "train": slice(None, len(images) - VALIDATION),
        "validation": slice(len(images) - VALIDATION, None),
        "test": slice(None),
    }[part]
    return Clothing(images[chosen], labels[chosen].long())


def photograph(name: str) -> Float[Tensor, "3 height width"]:
    """A photograph by its name in `skimage.data`, in [0, 1]; a grey one has three equal channels."""
    from skimage import data

    pixels = torch.from_numpy(np.array(getattr(data, name)())).float() / 255
    return pixels.expand(3, -1, -1) if pixels.ndim == 2 else pixels[..., :3].permute(2, 0, 1)


def most_visible(owner: Int[Tensor, "..."]) -> int | None:
    """The number of the item that most pixels show; −1 is the ground, and None the result where nothing else is.

    Example:
        >>> most_visible(torch.tensor([[-1, -1, -1], [0, 1, 1]]))
        1
    """
    shown = owner[owner >= 0]
    return int(torch.bincount(shown).argmax()) if len(shown) else None

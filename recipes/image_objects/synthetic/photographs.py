"""The photographs that scenes are composed on, each kept apart for one part."""

from collections.abc import Sequence
from functools import lru_cache

from jaxtyping import Float
from torch import Tensor

from ...scene_sources import Part, photograph

LONGEST = 320
"""Pixels of the longer side."""

PHOTOGRAPHS: dict[Part, tuple[str, ...]] = {
    "train": ("coffee", "gravel", "grass", "rocket", "retina", "hubble_deep_field", "moon"),
    "validation": ("camera", "immunohistochemistry"),
    "test": ("chelsea", "brick", "astronaut"),
}
"""Backgrounds by their name in `skimage.data`; no photograph is in two parts."""


@lru_cache(maxsize=3)
def photographs(part: Part) -> Sequence[Float[Tensor, "3 height width"]]:
    """The photographs of one part, 320 pixels along their longer side."""
    from torchvision.transforms.v2 import functional

    found = []
    for colour in map(photograph, PHOTOGRAPHS[part]):
        ratio = LONGEST / max(colour.shape[1:])
        size = [round(length * ratio) for length in colour.shape[1:]]
        found.append(functional.resize(colour, size, antialias=True).clamp(0, 1).contiguous())
    return tuple(found)

"""What is learned from: crops of one photograph, of some, or many different pictures; as many of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..image_objects.synthetic.materials import part_of_photograph
from ..image_objects.synthetic.photographs import PHOTOGRAPHS, photographs
from ..scene_sources import clothing

SIZE = 28
"""Pixels a side of all pictures: those of the shipped clothing."""
SIDES = (SIZE, 160)
"""The least and the greatest side of a crop, in pixels of a photograph with 320 along its longer side."""

Pictures = list[Float[Tensor, "1 28 28"]]


@final
@dataclass(frozen=True)
class Source:
    """A row of the table: so many grey pictures, from a number of them and a seed.

    Attributes:
        name: in the table.
        folder: of its runs.
        pictures: makes them.
    """

    name: str
    folder: str
    pictures: Callable[[int, int], Pictures]


def sources(photograph: str) -> tuple[Source, ...]:
    """One photograph, all photographs that others train on, and clothing.

    Raises:
        ValueError: if there is no such photograph.
    """
    names = PHOTOGRAPHS["train"]
    if photograph not in names:
        raise ValueError(f"photograph (--photograph) must be one of {', '.join(names)}, got {photograph!r}")
    return (
        Source(f"crops of one photograph, {photograph}", f"one-{photograph}", _crops((names.index(photograph),))),
        Source(f"crops of {len(names)} photographs", "some", _crops(tuple(range(len(names))))),
        Source("many pictures", "many", many),
    )


def _crops(chosen: Sequence[int]) -> Callable[[int, int], Pictures]:
    def made(count: int, seed: int) -> Pictures:
        shown = photographs("train")
        return crops([shown[number] for number in chosen], count, seed)

    return made


def crops(of: Sequence[Float[Tensor, "3 _ _"]], count: int, seed: int) -> Pictures:
    """Square parts of photographs, mirrored and tinted by chance, in grey.

    Example:
        >>> parts = crops([torch.rand(3, 200, 300)], count=2, seed=0)
        >>> len(parts), parts[0].shape
        (2, torch.Size([1, 28, 28]))
    """
    rng = np.random.default_rng(seed)
    return [part_of_photograph(of, SIDES, (SIZE, SIZE), rng).mean(dim=0, keepdim=True) for _ in range(count)]


def many(count: int, seed: int) -> Pictures:
    """Different pieces of clothing, drawn by chance from those to learn from.

    Raises:
        ValueError: if there are not so many.
    """
    images = clothing("train").images
    if count > len(images):
        raise ValueError(f"items (--items) must be at most {len(images)}, the pictures of clothing, got {count}")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    return [images[number][None].float() / 255 for number in order[:count].tolist()]

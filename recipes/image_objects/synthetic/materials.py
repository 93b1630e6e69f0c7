"""What the items of a scene are made of: random textures of two colours, or parts of photographs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

Material = Literal["textures", "photographs"]

SOFT = 1.0
"""Standard deviation, in pixels, of the soft edge of a part of a photograph."""


@final
@dataclass(frozen=True)
class Cover:
    """The colours of an item, and how much of them every pixel shows."""

    colours: Float[Tensor, "3 h w"]
    opacity: Float[Tensor, "h w"]

    def over(self, ground: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
        """The item on what lies under it.

        Example:
            >>> cover = Cover(torch.ones(3, 1, 2), torch.tensor([[1.0, 0.25]]))
            >>> cover.over(torch.zeros(3, 1, 2))[0]
            tensor([[1.0000, 0.2500]])
        """
        return torch.lerp(ground, self.colours, self.opacity)


def textured(grey: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"], rng: np.random.Generator) -> Cover:
    """Two random colours in a random texture, shaded by the item's own grey, with a hard edge."""
    one, two = (torch.from_numpy(rng.uniform(0.05, 1.0, 3).astype(np.float32))[:, None, None] for _ in range(2))
    weight = texture(int(rng.integers(4)), tuple(grey.shape), rng)
    return Cover(((1 - weight) * one + weight * two) * (0.35 + 0.65 * grey), mask.float())


def photographic(
    photographs: Sequence[Float[Tensor, "3 _ _"]],
    grey: Float[Tensor, "h w"],
    mask: Bool[Tensor, "h w"],
    rng: np.random.Generator,
) -> Cover:
    """A part of a photograph in the item's outline, shaded a little by its grey, with a soft edge."""
    from torchvision.transforms.v2 import functional

    shown = part_of_photograph(photographs, (80, 160), (grey.shape[0], grey.shape[1]), rng)
    soft: Tensor = functional.gaussian_blur(mask.float()[None], [5, 5], [SOFT, SOFT])[0]
    return Cover(shown * (0.8 + 0.2 * grey), soft * mask)


def part_of_photograph(
    photographs: Sequence[Float[Tensor, "3 _ _"]],
    sides: tuple[int, int],
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Float[Tensor, "3 height width"]:
    """A square part of a photograph, mirrored by chance, with other brightness and tint, at the size asked for.

    Args:
        photographs: of which one is drawn.
        sides: the least and the greatest side of the part, in pixels of the photograph.
        size: height and width of the result, in pixels.
        rng: for all that is drawn.
    """
    from torchvision.transforms.v2 import functional

    photograph = photographs[int(rng.integers(len(photographs)))]
    side = int(rng.integers(sides[0], sides[1] + 1))
    top = int(rng.integers(photograph.shape[1] - side + 1))
    left = int(rng.integers(photograph.shape[2] - side + 1))
    part = photograph[:, top : top + side, left : left + side]
    part = part.flip(2) if rng.random() < 0.5 else part
    resized: Tensor = functional.resize(part, list(size), antialias=True)
    tint = torch.from_numpy(rng.uniform(0.75, 1.25, (3, 1, 1)).astype(np.float32))
    return (resized * tint).clamp(0, 1)


def texture(kind: int, size: tuple[int, ...], rng: np.random.Generator) -> Float[Tensor, "h w"]:
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

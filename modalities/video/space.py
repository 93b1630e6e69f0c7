"""Transforms that move or hide parts of the picture, the same in every frame, each with its correspondence."""

import math
from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch

from gestalt.core.components.ranges import Between, PartialShare, PositiveShare, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Clip

ALL = float("inf")
FAR = 1e4  # pixels: beyond any picture
Ratio = Annotated[float, Between(0.0, 1000.0, open_below=True)]
"""Width over height of a box."""


@final
class ResizedCrop(AbstractTransform[Clip]):
    """A random box of the picture, brought to `size` × `size` pixels: torchvision's random resized crop.

    Args:
        size: height and width of the result in pixels.
        smallest, largest: share of the picture's area that the box takes.
        narrowest, widest: width by height of the box, drawn evenly in the logarithm.
    """

    ATTEMPTS = 10

    def __init__(
        self,
        size: Annotated[int, Between(1, 65536)] = 64,
        smallest: PositiveShare = 0.4,
        largest: PositiveShare = 1.0,
        narrowest: Ratio = 3 / 4,
        widest: Ratio = 4 / 3,
    ) -> None:
        self.size = size
        self.smallest, self.largest = smallest, largest
        self.narrowest, self.widest = narrowest, widest
        check_ranges(self)
        check_ordered(self, "smallest", "largest")
        check_ordered(self, "narrowest", "widest")

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """y_source = y_view · height / size + top, and likewise x."""
        from torchvision.transforms.v2 import functional

        top, left, height, width = self._box(item, rng)
        frames = functional.resized_crop(item.frames, top, left, height, width, [self.size, self.size], antialias=True)
        scale = [1.0, height / self.size, width / self.size]
        return replace(item, frames=frames), Affine.of(scale, [0.0, float(top), float(left)])

    def _box(self, item: Clip, rng: np.random.Generator) -> tuple[int, int, int, int]:
        _, whole_height, whole_width = item.size
        for _ in range(self.ATTEMPTS):
            area = whole_height * whole_width * rng.uniform(self.smallest, self.largest)
            ratio = math.exp(rng.uniform(math.log(self.narrowest), math.log(self.widest)))
            width, height = max(1, round(math.sqrt(area * ratio))), max(1, round(math.sqrt(area / ratio)))
            if height <= whole_height and width <= whole_width:
                top = int(rng.integers(whole_height - height + 1))
                return top, int(rng.integers(whole_width - width + 1)), height, width
        side = min(whole_height, whole_width)  # no box of such a shape fits: the largest square in the middle
        return (whole_height - side) // 2, (whole_width - side) // 2, side, side


@final
class Flip(AbstractTransform[Clip]):
    """Left and right changed over, or with `upright=False` top and bottom."""

    def __init__(self, upright: bool = True) -> None:
        self.upright = upright

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:  # noqa: ARG002
        """x_source = width − x_view, or the same of y."""
        if not self.upright:
            rule = Affine.of([1.0, -1.0, 1.0], [0.0, float(item.size[1]), 0.0])
            return replace(item, frames=item.frames.flip(-2)), rule
        return replace(item, frames=item.frames.flip(-1)), Affine.of([1.0, 1.0, -1.0], [0.0, 0.0, float(item.size[2])])


@final
class Rotation(AbstractTransform[Clip]):
    """Turned about the middle by up to `most` degrees either way; corners that show nothing are black and hidden."""

    def __init__(self, most: Annotated[float, Between(0.0, 180.0)] = 20.0) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """(y, x)_source = R(angle) · ((y, x)_view − middle) + middle."""
        from torchvision.transforms.v2 import InterpolationMode, functional

        degrees = float(rng.uniform(-self.most, self.most))
        _, height, width = item.size
        frames = functional.rotate(item.frames, degrees, interpolation=InterpolationMode.BILINEAR)
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        middle_y, middle_x = height / 2, width / 2
        turn = Affine.identity(3)
        turned = replace(
            turn,
            matrix=torch.tensor([[[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, -sine, cosine]]]),
            offset=torch.tensor(
                [
                    [
                        0.0,
                        middle_y - cosine * middle_y - sine * middle_x,
                        middle_x + sine * middle_y - cosine * middle_x,
                    ]
                ]
            ),
        )
        return replace(item, frames=frames), _only_within(height, width).then(turned)


@final
class CutOut(AbstractTransform[Clip]):
    """A box of `smallest` … `largest` of the picture's area turns grey throughout the clip, and is hidden."""

    def __init__(self, smallest: PartialShare = 0.02, largest: PartialShare = 0.15) -> None:
        self.smallest = smallest
        self.largest = largest
        check_ranges(self)
        check_ordered(self, "smallest", "largest")

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """The identity where the box is not."""
        _, whole_height, whole_width = item.size
        share, ratio = math.sqrt(rng.uniform(self.smallest, self.largest)), math.exp(rng.uniform(-0.7, 0.7))
        height = min(whole_height, max(1, round(share * whole_height * ratio)))
        width = min(whole_width, max(1, round(share * whole_width / ratio)))
        top, left = int(rng.integers(whole_height - height + 1)), int(rng.integers(whole_width - width + 1))
        frames = item.frames.clone()
        frames[:, :, top : top + height, left : left + width] = 127
        low, high = [-ALL, float(top), float(left)], [ALL, float(top + height), float(left + width)]
        return replace(item, frames=frames), Affine.identity(3).hiding(low, high)


def _only_within(height: int, width: int) -> Affine:
    """The identity that hides what lies outside a picture: later parts of a composition cannot see it."""
    rule = Affine.identity(3)
    for axis, end in ((1, float(height)), (2, float(width))):
        for low, high in ((-FAR, 0.0), (end, FAR)):
            lows, highs = [-ALL] * 3, [ALL] * 3
            lows[axis], highs[axis] = low, high
            rule = rule.hiding(lows, highs)
    return rule

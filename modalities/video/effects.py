"""Transforms that change colours and sharpness and leave everything in its place, the same in every frame."""

from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gestalt.core.components.ranges import Between, PositiveShare, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Clip


def _tall(frames: UInt8[Tensor, "time 3 height width"]) -> UInt8[Tensor, "3 tall width"]:
    """All frames below one another: contrast then has one mean for the whole clip, and nothing flickers."""
    return frames.transpose(0, 1).flatten(1, 2)


def _frames(tall: UInt8[Tensor, "3 tall width"], item: Clip) -> UInt8[Tensor, "time 3 height width"]:
    frames: Tensor = tall.unflatten(1, item.size[:2]).transpose(0, 1)
    return frames.contiguous()


@final
class ColourJitter(AbstractTransform[Clip]):
    """Brightness, contrast and saturation times a random factor, and hue turned, in this order.

    Args:
        brightness, contrast, saturation: factors are drawn from 1 − x … 1 + x.
        hue: greatest turn, in whole turns; at most 0.5.
    """

    def __init__(
        self,
        brightness: Share = 0.4,
        contrast: Share = 0.4,
        saturation: Share = 0.2,
        hue: Annotated[float, Between(0.0, 0.5)] = 0.1,
    ) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        check_ranges(self)

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """Change the colours."""
        from torchvision.transforms.v2 import functional

        ranges = (self.brightness, self.contrast, self.saturation)
        brightness, contrast, saturation = (float(rng.uniform(1 - most, 1 + most)) for most in ranges)
        hue = float(rng.uniform(-self.hue, self.hue))
        tall = functional.adjust_brightness(_tall(item.frames), brightness)
        tall = functional.adjust_contrast(tall, contrast)
        tall = functional.adjust_saturation(tall, saturation)
        if self.hue:
            tall = functional.adjust_hue(tall, hue)
        return replace(item, frames=_frames(tall, item)), Affine.identity(3)


@final
class Grey(AbstractTransform[Clip]):
    """No colours."""

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:  # noqa: ARG002
        """Luminance in all three channels."""
        from torchvision.transforms.v2 import functional

        return replace(item, frames=functional.rgb_to_grayscale(item.frames, 3)), Affine.identity(3)


@final
class Blur(AbstractTransform[Clip]):
    """A Gaussian blur whose deviation is `least` … `most` of the picture's shorter side."""

    def __init__(self, least: PositiveShare = 0.002, most: PositiveShare = 0.015) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """Blur every frame alike."""
        from torchvision.transforms.v2 import functional

        sigma = float(rng.uniform(self.least, self.most)) * min(item.size[1:])
        kernel = 2 * min(round(3 * sigma) + 1, (min(item.size[1:]) - 1) // 2) + 1
        frames = functional.gaussian_blur(item.frames, [kernel, kernel], [sigma, sigma])
        return replace(item, frames=frames), Affine.identity(3)


@final
class Solarise(AbstractTransform[Clip]):
    """Values from a random threshold of `least` … `most` (of 255) on are inverted."""

    def __init__(self, least: Share = 0.4, most: Share = 0.8) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """Invert what is bright."""
        from torchvision.transforms.v2 import functional

        threshold = 255 * float(rng.uniform(self.least, self.most))
        return replace(item, frames=functional.solarize(item.frames, threshold)), Affine.identity(3)


@final
class Noise(AbstractTransform[Clip]):
    """Add Gaussian noise, the same in every frame, with a deviation of `least` … `most` (of 255)."""

    def __init__(self, least: Share = 0.0, most: Share = 0.05) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """The noisy clip, clipped to 0 … 255."""
        noise = torch.from_numpy(rng.standard_normal((1, 3, *item.size[1:]), dtype=np.float32))
        noisy = item.frames + 255 * float(rng.uniform(self.least, self.most)) * noise
        return replace(item, frames=noisy.clamp(0, 255).round().to(torch.uint8)), Affine.identity(3)

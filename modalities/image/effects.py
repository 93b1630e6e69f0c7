"""Transforms that change the colours of a picture and leave everything in its place: the identity correspondence."""

from typing import Annotated, final

import numpy as np
import torch
from torch import Tensor

from gestalt.core.components.ranges import Between, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Picture
from .reading import LUMINANCE

AXES = 2
"""Down and across, in pixels from the upper left corner of the item."""
Turn = Annotated[float, Between(0.0, 0.5)]
"""A share of the circle of colours, either way."""
Sigma = Annotated[float, Between(0.0, 1000.0, open_below=True)]
"""The deviation of a blur in pixels."""


def unchanged(item: Picture) -> Affine:  # noqa: ARG001
    """The correspondence of a picture to itself."""
    return Affine.identity(AXES)


def grey_of(item: Picture) -> Tensor:
    """Luminance of colours, the mean of any other number of channels; one channel."""
    if len(item) == 3:
        return (item * item.new_tensor(LUMINANCE)[:, None, None]).sum(dim=0, keepdim=True)
    return item.mean(dim=0, keepdim=True)


@final
class ColourJitter(AbstractTransform[Picture]):
    """Change brightness, contrast, saturation and hue in a random order, each by a random amount up to its bound.

    Factors are drawn from [1 − a, 1 + a]; the hue is turned by a share of the circle in [−a, a]. Pictures of other than
    three channels have neither saturation nor hue.

    Source: BYOL's augmentations, `brightness = contrast = 0.4, saturation = 0.2, hue = 0.1`.
    """

    def __init__(
        self, brightness: Share = 0.4, contrast: Share = 0.4, saturation: Share = 0.2, hue: Turn = 0.1
    ) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """Four changes in a random order, each clipped to [0, 1]."""
        from torchvision.transforms.v2 import functional

        changes = [
            (functional.adjust_brightness, 1 + self.brightness * _signed(rng)),
            (functional.adjust_contrast, 1 + self.contrast * _signed(rng)),
            (functional.adjust_saturation, 1 + self.saturation * _signed(rng)),
            (functional.adjust_hue, self.hue * _signed(rng)),
        ]
        for place in rng.permutation(4).tolist():
            change, amount = changes[place]
            if len(item) == 3:
                item = change(item, amount)
            elif place == 0:  # torchvision takes grey and colour alone
                item = (amount * item).clamp(0, 1)
            elif place == 1:
                mean = grey_of(item).mean()
                item = (mean + amount * (item - mean)).clamp(0, 1)
        return item, unchanged(item)


@final
class Grey(AbstractTransform[Picture]):
    """All channels become luminance, 0.2989 r + 0.5870 g + 0.1140 b (their mean where they are not three)."""

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:  # noqa: ARG002
        """As many channels as before, all the same."""
        return grey_of(item).expand_as(item).contiguous(), unchanged(item)


@final
class Blur(AbstractTransform[Picture]):
    """Gaussian blur with σ drawn from [`least`, `most`] pixels and a kernel of a tenth of the picture.

    Source: BYOL and SemPPL blur 224 pixels with a kernel of 23 and σ in [0.1, 2]; on smaller pictures, lower `most`.
    """

    def __init__(self, least: Sigma = 0.1, most: Sigma = 2.0) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """The blurred picture."""
        from torchvision.transforms.v2 import functional

        sigma = float(rng.uniform(self.least, self.most))
        kernel = 2 * (min(item.shape[1:]) // 20) + 1
        if kernel == 1:
            return item.clone(), unchanged(item)
        blurred: Tensor = functional.gaussian_blur(item, [kernel, kernel], [sigma, sigma])
        return blurred, unchanged(item)


@final
class Solarise(AbstractTransform[Picture]):
    """Invert what is at least as bright as `threshold`, x → 1 − x.

    Source: BYOL's code. SemPPL's table describes a threshold to 0 and 1 instead, against its own code.
    """

    def __init__(self, threshold: Share = 0.5) -> None:
        self.threshold = threshold
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:  # noqa: ARG002
        """The solarised picture."""
        return torch.where(item >= self.threshold, 1 - item, item), unchanged(item)


@final
class Noise(AbstractTransform[Picture]):
    """Add Gaussian noise with a deviation drawn from [`least`, `most`]."""

    def __init__(self, least: Share = 0.0, most: Share = 0.05) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """The noisy picture, clipped to [0, 1]."""
        noise = torch.from_numpy(rng.standard_normal(tuple(item.shape), dtype=np.float32))
        return (item + float(rng.uniform(self.least, self.most)) * noise).clamp(0, 1), unchanged(item)


def _signed(rng: np.random.Generator) -> float:
    return float(rng.uniform(-1, 1))

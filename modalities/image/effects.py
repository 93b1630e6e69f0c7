"""Transforms that change the colours of a picture and leave everything in its place: the identity correspondence."""

from collections.abc import Callable, Sequence
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.batch_changes import AbstractBatchChange
from gestalt.core.modality.transform import AbstractTransform

from . import batch_colours
from .data import Picture, Pictures
from .reading import LUMINANCE

AXES = 2
"""Down and across, in pixels from the upper left corner of the item."""
Turn = Annotated[float, Between(0.0, 0.5)]
"""A share of the circle of colours, either way."""
Sigma = Annotated[float, Between(0.0, 1000.0, open_below=True)]
"""The deviation of a blur in pixels."""


def _of_rows(
    data: Pictures,
    rows: Int[Tensor, " rows"],
    change: Callable[[Tensor, Tensor, Bool[Tensor, "rows 1 height width"]], Tensor],
) -> Pictures:
    """The batch with some pictures changed, by their pixels, sizes and which pixels are their own; padding stays 0."""
    rows = rows.to(data.pixels.device, non_blocking=True)
    pixels, sizes = data.pixels[rows], data.sizes[rows]
    there = batch_colours.within(sizes, *pixels.shape[2:])
    return Pictures(data.pixels.index_copy(0, rows, change(pixels, sizes, there) * there), data.sizes)


def unchanged(item: Picture) -> Affine:  # noqa: ARG001
    """The correspondence of a picture to itself."""
    return Affine.identity(AXES)


def grey_of(item: Picture) -> Tensor:
    """Luminance of colours, the mean of any other number of channels; one channel."""
    if len(item) == 3:
        return (item * item.new_tensor(LUMINANCE)[:, None, None]).sum(dim=0, keepdim=True)
    return item.mean(dim=0, keepdim=True)


@final
class ColourJitter(AbstractTransform[Picture], AbstractBatchChange):
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

        changes = (
            functional.adjust_brightness,
            functional.adjust_contrast,
            functional.adjust_saturation,
            functional.adjust_hue,
        )
        drawn = self.draw(rng)
        for place in map(int, drawn[4:]):
            change, amount = changes[place], drawn[place]
            if len(item) == 3:
                item = change(item, amount)
            elif place == 0:  # torchvision takes grey and colour alone
                item = (amount * item).clamp(0, 1)
            elif place == 1:
                mean = grey_of(item).mean()
                item = (mean + amount * (item - mean)).clamp(0, 1)
        return item, unchanged(item)

    @property
    def numbers(self) -> int:
        """The four amounts, then their order."""
        return 8

    def draw(self, rng: np.random.Generator) -> Sequence[float]:
        """See `AbstractBatchChange`."""
        factors = [1 + most * _signed(rng) for most in (self.brightness, self.contrast, self.saturation)]
        return [*factors, self.hue * _signed(rng), *map(float, rng.permutation(4).tolist())]

    def changed(self, data: Pictures, rows: Int[Tensor, " rows"], drawn: Float[Tensor, "rows 8"]) -> Pictures:
        """See `AbstractBatchChange`."""
        return _of_rows(data, rows, lambda pixels, _, there: _jittered(pixels, drawn, there))


def _jittered(pixels: Tensor, drawn: Float[Tensor, "rows 8"], there: Bool[Tensor, "rows 1 height width"]) -> Tensor:
    """Through the four places of the order; rows that have the same change in a place go through it together."""
    amounts = drawn[:, :4].to(pixels.device, pixels.dtype, non_blocking=True)
    for place in range(4):
        for number in range(4):
            some = (drawn[:, 4 + place] == number).nonzero()[:, 0].to(pixels.device, non_blocking=True)
            if len(some) == 0:
                continue
            part, amount = pixels[some], amounts[some, number]
            match number:
                case 0:
                    part = batch_colours.brightness(part, amount)
                case 1:
                    part = batch_colours.contrast(part, amount, there[some])
                case 2:
                    part = batch_colours.saturation(part, amount)
                case _:
                    part = batch_colours.hue(part, amount)
            pixels = pixels.index_copy(0, some, part)
    return pixels


@final
class Grey(AbstractTransform[Picture], AbstractBatchChange):
    """All channels become luminance, 0.2989 r + 0.5870 g + 0.1140 b (their mean where they are not three)."""

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:  # noqa: ARG002
        """As many channels as before, all the same."""
        return grey_of(item).expand_as(item).contiguous(), unchanged(item)

    @property
    def numbers(self) -> int:
        """None."""
        return 0

    def draw(self, rng: np.random.Generator) -> Sequence[float]:  # noqa: ARG002
        """See `AbstractBatchChange`."""
        return ()

    def changed(self, data: Pictures, rows: Int[Tensor, " rows"], drawn: Float[Tensor, "rows 0"]) -> Pictures:  # noqa: ARG002
        """See `AbstractBatchChange`."""
        return _of_rows(data, rows, lambda pixels, _, __: batch_colours.grey(pixels).expand_as(pixels))


@final
class Blur(AbstractTransform[Picture], AbstractBatchChange):
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

        (sigma,) = self.draw(rng)
        kernel = 2 * (min(item.shape[1:]) // 20) + 1
        if kernel == 1:
            return item.clone(), unchanged(item)
        blurred: Tensor = functional.gaussian_blur(item, [kernel, kernel], [sigma, sigma])
        return blurred, unchanged(item)

    @property
    def numbers(self) -> int:
        """The deviation."""
        return 1

    def draw(self, rng: np.random.Generator) -> Sequence[float]:
        """See `AbstractBatchChange`."""
        return (float(rng.uniform(self.least, self.most)),)

    def changed(self, data: Pictures, rows: Int[Tensor, " rows"], drawn: Float[Tensor, "rows 1"]) -> Pictures:
        """See `AbstractBatchChange`."""

        def change(pixels: Tensor, sizes: Tensor, _: Tensor) -> Tensor:
            return batch_colours.blurred(pixels, sizes, drawn[:, 0].to(pixels.device, pixels.dtype, non_blocking=True))

        return _of_rows(data, rows, change)


@final
class Solarise(AbstractTransform[Picture], AbstractBatchChange):
    """Invert what is at least as bright as `threshold`, x → 1 − x.

    Source: BYOL's code. SemPPL's table describes a threshold to 0 and 1 instead, against its own code.
    """

    def __init__(self, threshold: Share = 0.5) -> None:
        self.threshold = threshold
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:  # noqa: ARG002
        """The solarised picture."""
        return torch.where(item >= self.threshold, 1 - item, item), unchanged(item)

    @property
    def numbers(self) -> int:
        """None."""
        return 0

    def draw(self, rng: np.random.Generator) -> Sequence[float]:  # noqa: ARG002
        """See `AbstractBatchChange`."""
        return ()

    def changed(self, data: Pictures, rows: Int[Tensor, " rows"], drawn: Float[Tensor, "rows 0"]) -> Pictures:  # noqa: ARG002
        """See `AbstractBatchChange`."""
        return _of_rows(data, rows, lambda pixels, _, __: batch_colours.solarised(pixels, self.threshold))


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

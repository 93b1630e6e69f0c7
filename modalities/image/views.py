"""Transforms that move or hide parts of a picture, each with its correspondence, and views made of all transforms.

Correspondences speak of two axes, down and across, in pixels from the item's upper left corner: pixel `(y, x)` covers
`[y, y + 1) × [x, x + 1)`.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal, final

import numpy as np
import torch
from torch import Tensor

from gestalt.core.components.ranges import Between, PartialShare, PositiveShare, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform, Chain, Views

from .data import Picture
from .effects import Blur, ColourJitter, Grey, Solarise, unchanged

FAR = 2.0**14
"""Pixels: beyond any edge of any view."""
Size = Annotated[int, Between(1, 65536)]
"""Pixels a side of a view."""
Ratio = Annotated[float, Between(0.0, 1000.0, open_below=True)]
"""Width over height of a box."""


def _resized(item: Picture, box: tuple[int, int, int, int], size: tuple[int, int]) -> tuple[Picture, Affine]:
    """The box (top, left, height, width) of the picture, at another size: y_source = (height / size) y_view + top."""
    from torchvision.transforms.v2 import functional

    top, left, height, width = box
    part = item[:, top : top + height, left : left + width]
    view = part.clone() if (height, width) == size else functional.resize(part, list(size), antialias=True).clamp(0, 1)
    return view, Affine.of([height / size[0], width / size[1]], [float(top), float(left)])


def _random_box(
    item: Picture, area: tuple[float, float], ratio: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A box of a random share of the area and aspect ratio (log-uniform), in a random place."""
    whole_height, whole_width = item.shape[1:]
    for _ in range(10):
        square = float(rng.uniform(*area)) * whole_height * whole_width
        aspect = math.exp(float(rng.uniform(math.log(ratio[0]), math.log(ratio[1]))))
        height, width = round(math.sqrt(square / aspect)), round(math.sqrt(square * aspect))
        if 0 < height <= whole_height and 0 < width <= whole_width:
            break
    else:  # no such box fits into this shape: the nearest that does, as torchvision has it
        aspect = min(max(whole_width / whole_height, ratio[0]), ratio[1])
        height = max(1, min(whole_height, round(whole_width / aspect)))
        width = max(1, min(whole_width, round(whole_height * aspect)))
    top = int(rng.integers(whole_height - height + 1))
    left = int(rng.integers(whole_width - width + 1))
    return top, left, height, width


@final
class ResizedCrop(AbstractTransform[Picture]):
    """A random part of the picture, brought to `size` × `size` pixels (bilinear, with anti-aliasing).

    Args:
        size: of the view.
        area: least and greatest share of the picture's area.
        ratio: least and greatest width over height, drawn log-uniformly.

    Source: BYOL crops 8 % to 100 % with ratios of 3/4 to 4/3, and enlarges by bicubic interpolation; bilinear is
    faster and keeps changes nearer to their place.
    """

    def __init__(
        self,
        size: Size,
        area: tuple[PositiveShare, PositiveShare] = (0.08, 1.0),
        ratio: tuple[Ratio, Ratio] = (3 / 4, 4 / 3),
    ) -> None:
        self.size = size
        self.area = area
        self.ratio = ratio
        check_ranges(self)
        check_ordered(self, "area")
        check_ordered(self, "ratio")

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """The crop."""
        return _resized(item, _random_box(item, self.area, self.ratio, rng), (self.size, self.size))


@final
class Resize(AbstractTransform[Picture]):
    """The whole picture at `size` × `size` pixels, whatever its shape was."""

    def __init__(self, size: Size) -> None:
        self.size = size
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:  # noqa: ARG002
        """The resized picture."""
        return _resized(item, (0, 0, item.shape[1], item.shape[2]), (self.size, self.size))


@final
class Flip(AbstractTransform[Picture]):
    """Mirror the picture: left and right, or with `upright=False` top and bottom."""

    def __init__(self, upright: bool = True) -> None:
        self.upright = upright

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:  # noqa: ARG002
        """x_source = width − x_view, or the same of y."""
        if self.upright:
            return item.flip(2), Affine.of([1.0, -1.0], [0.0, float(item.shape[2])])
        return item.flip(1), Affine.of([-1.0, 1.0], [float(item.shape[1]), 0.0])


@final
class Rotate(AbstractTransform[Picture]):
    """Turn the picture by up to `most` degrees either way about its middle; what is left empty is grey and hidden."""

    def __init__(self, most: Annotated[float, Between(0.0, 180.0)] = 15.0) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """p_source = R p_view + (1 − R) middle."""
        from torchvision.transforms.v2 import InterpolationMode, functional

        angle = float(rng.uniform(-self.most, self.most))
        height, width = item.shape[1:]
        turned = functional.rotate(item, angle, InterpolationMode.BILINEAR, fill=[0.5] * len(item))
        turn = math.radians(angle)
        matrix = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        middle = torch.tensor([height / 2, width / 2])
        offset = middle - matrix @ middle
        rule = Affine.of([1.0, 1.0], [0.0, 0.0])
        beyond = _outside(matrix, offset, (height, width))
        return turned, Affine(matrix[None], offset[None], beyond[0][None], beyond[1][None], rule.known)


def _outside(matrix: Tensor, offset: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Regions of the view that show what lies above, below, left and right of the source: matrices and offsets."""
    matrices, offsets = [], []
    for axis, length in enumerate(size):
        for edge in (-FAR, float(length)):  # the source's coordinate lies in [edge, edge + FAR)
            rows = torch.zeros(2, 2)
            rows[0] = matrix[axis] / FAR
            matrices.append(rows)
            offsets.append(torch.tensor([(float(offset[axis]) - edge) / FAR, 0.5]))
    return torch.stack(matrices), torch.stack(offsets)


@final
class CutOut(AbstractTransform[Picture]):
    """A box of a random share of the area becomes one random grey, and is hidden."""

    def __init__(
        self, area: tuple[PartialShare, PartialShare] = (0.02, 0.2), ratio: tuple[Ratio, Ratio] = (1 / 2, 2.0)
    ) -> None:
        self.area = area
        self.ratio = ratio
        check_ranges(self)
        check_ordered(self, "area")
        check_ordered(self, "ratio")

    def __call__(self, item: Picture, rng: np.random.Generator) -> tuple[Picture, Affine]:
        """The identity where the box is not."""
        top, left, height, width = _random_box(item, self.area, self.ratio, rng)
        cut = item.clone()
        cut[:, top : top + height, left : left + width] = float(rng.uniform(0, 1))
        box = [float(top), float(left)], [float(top + height), float(left + width)]
        return cut, unchanged(item).hiding(*box)


def chain(*steps: tuple[float, AbstractTransform[Picture]]) -> Chain[Picture]:
    """Transforms of pictures in a row, as pairs (probability, transform); none is the item itself.

    Example:
        >>> view = chain((1.0, ResizedCrop(32)), (0.5, Flip()), (0.8, ColourJitter()))
        >>> item, correspondence = view(torch.rand(3, 60, 80), np.random.default_rng(0))
        >>> item.shape
        torch.Size([3, 32, 32])
    """
    return Chain(unchanged, steps)


def byol_view(
    size: int, area: tuple[float, float], blur: float, solarise: float, strength: float = 1.0
) -> Chain[Picture]:
    """One view of BYOL's kind: crop, flip ½, jitter 0.8, grey 0.2, then blur and solarisation by their probabilities.

    `strength` scales the jitter; blur is scaled to the size of the view (σ up to 2 pixels at 224).
    """
    jitter = ColourJitter(0.4 * strength, 0.4 * strength, 0.2 * strength, 0.1 * strength)
    return chain(
        (1.0, ResizedCrop(size, area)),
        (0.5, Flip()),
        (0.8, jitter),
        (0.2, Grey()),
        (blur, Blur(0.1, max(0.2, 2.0 * size / 224))),
        (solarise, Solarise()),
    )


def default_views(
    size: int = 64,
    source: Literal["span", "whole"] = "span",
    area: tuple[float, float] = (0.3, 1.0),
    large: int = 2,
    small: int = 0,
    small_size: int = 32,
    small_area: tuple[float, float] = (0.08, 0.3),
    strength: float = 1.0,
) -> Views[Picture]:
    """A source, `large` views of it and `small` ones behind them, as `Learner.teacher_views` expects.

    The source is a part of the picture that spans all the views, cropped and no more (`span`), or the whole picture
    (`whole`); its sides are twice those of the large views. Large views are blurred and solarised as BYOL's: the first
    always blurred, the others by 0.1 and solarised by 0.2; small ones by ½.

    Args:
        area: shares of the source that large views show; BYOL's lower bound of 0.08 is for whole-item methods; views
            of several objects need a larger one.

    Source: Odin, [0074] to [0077] for source and views; SwAV for small views; BYOL for the transforms.
    """
    if large < 1 or small < 0 or large + small < 2:
        raise ValueError(f"there must be at least one large view and two in all, got {large} and {small}")
    start: AbstractTransform[Picture] = ResizedCrop(2 * size, (0.6, 1.0)) if source == "span" else Resize(2 * size)
    views: Sequence[Chain[Picture]] = [
        *(
            byol_view(size, area, 1.0 if place == 0 else 0.1, 0.0 if place == 0 else 0.2, strength)
            for place in range(large)
        ),
        *(byol_view(small_size, small_area, 0.5, 0.0, strength) for _ in range(small)),
    ]
    return Views(chain((1.0, start)), tuple(views))

"""Transforms that move through time, each with its correspondence, and views made of all transforms.

Correspondences speak of three axes: seconds from the clip's first frame, and pixels down and to the right from its
upper left corner.
"""

from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch

from gestalt.core.components.ranges import Between, PositiveShare, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform, Chain, Views

from .data import Clip
from .effects import Blur, ColourJitter, Grey, Solarise
from .space import CutOut, Flip, ResizedCrop

Rate = Annotated[float, Between(0.0, 1000.0, open_below=True)]
"""How many times faster a clip is played."""


@final
class TimeCrop(AbstractTransform[Clip]):
    """A random run of frames that takes `shortest` … `longest` of the clip's frames; at least two where there are."""

    def __init__(self, shortest: PositiveShare = 0.5, longest: PositiveShare = 1.0) -> None:
        self.shortest = shortest
        self.longest = longest
        check_ranges(self)
        check_ordered(self, "shortest", "longest")

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """t_source = t_view + offset."""
        total = len(item.frames)
        count = min(total, max(2, round(rng.uniform(self.shortest, self.longest) * total)))
        first = int(rng.integers(total - count + 1))
        offset = float(item.edges[first] - item.edges[0])
        edges = item.edges[first : first + count + 1] - item.edges[first]
        part = Clip(item.frames[first : first + count].clone(), edges, item.start + offset)
        return part, Affine.of([1.0, 1.0, 1.0], [float(item.edges[first]), 0.0, 0.0])


@final
class Reverse(AbstractTransform[Clip]):
    """The clip backwards."""

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:  # noqa: ARG002
        """t_source = end − t_view."""
        end = float(item.edges[-1])
        back = replace(item, frames=item.frames.flip(0), edges=(item.edges[-1] - item.edges).flip(0))
        return back, Affine.of([-1.0, 1.0, 1.0], [end, 0.0, 0.0])


@final
class Stride(AbstractTransform[Clip]):
    """Every n-th frame, n = 1 … `most`, from a random one of the first n on; the clock goes on as before.

    A clip with a variable rate is sampled in even steps of n mean frame lengths instead.
    """

    def __init__(self, most: Annotated[int, Between(1, 1_000_000)] = 2) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """t_source = t_view + offset."""
        stride = min(int(rng.integers(1, self.most + 1)), len(item.frames))
        step = item.seconds / len(item.frames)
        first = (int(rng.integers(stride)) + 0.5) * step
        lengths, anywhere = item.edges.diff(), float(rng.uniform(0.05, 0.95)) * stride * step
        if float(lengths.max() - lengths.min()) > 0.01 * step:
            # Even moments among uneven frames would hit the border between two frames where times are round.
            first = anywhere
        return _looked_at(item, first, stride * step, rate=1.0)


@final
class TimeJitter(AbstractTransform[Clip]):
    """Played faster or slower by `slowest` … `fastest`, from a random fraction of a frame on.

    The view has as many seconds per frame as the clip; where it plays slowly it is cut at its end, and frames are
    shown twice where the clip shows them so long.
    """

    def __init__(self, slowest: Rate = 0.7, fastest: Rate = 1.4) -> None:
        self.slowest = slowest
        self.fastest = fastest
        check_ranges(self)
        check_ordered(self, "slowest", "fastest")

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:
        """t_source = rate · t_view + offset."""
        rate = float(rng.uniform(self.slowest, self.fastest))
        step = rate * item.seconds / len(item.frames)
        return _looked_at(item, float(rng.uniform(0.05, 0.95)) * min(step, item.seconds), step, rate)


def _looked_at(item: Clip, first: float, step: float, rate: float) -> tuple[Clip, Affine]:
    """What the clip shows at `first`, `first + step`, …, as often as it was before, if it lasts so long.

    Every frame of the view stands for `step / rate` seconds around its moment: the centre of each cell of time then
    lies in the frame that it shows, whatever the clip's own rate.
    """
    moments = [first + step * number for number in range(len(item.frames))]
    moments = [moment for moment in moments if moment < item.seconds]
    times = torch.tensor(moments) + item.edges[0]
    frames = (torch.searchsorted(item.edges, times, right=True) - 1).clamp(0, len(item.frames) - 1)
    length = step / rate
    edges = length * torch.arange(len(moments) + 1)
    offset = float(times[0]) - step / 2
    view = Clip(item.frames[frames], edges, item.start + max(0.0, offset))
    return view, Affine.of([rate, 1.0, 1.0], [offset, 0.0, 0.0])


def unchanged(item: Clip) -> Affine:  # noqa: ARG001
    """The identity on time, height and width."""
    return Affine.identity(3)


def chain(*steps: tuple[float, AbstractTransform[Clip]]) -> Chain[Clip]:
    """Transforms of clips in a row, as pairs (probability, transform); none is the item itself.

    Example:
        >>> view = chain((1.0, TimeCrop(0.5, 0.5)), (0.5, Reverse()))
        >>> clip = Clip(torch.zeros(8, 3, 4, 4, dtype=torch.uint8), torch.arange(9.0))
        >>> view(clip, np.random.default_rng(0))[0].size
        (4, 4, 4)
    """
    return Chain(unchanged, steps)


def default_views(
    size: int = 64,
    smallest: float = 0.4,
    shortest: float = 0.75,
    stride: int = 1,
    reverse: float = 0.0,
    count: int = 2,
    small: int = 0,
    small_size: int = 32,
) -> Views[Clip]:
    """`count` views of each clip: a stretch of time, a crop of the picture, flipped, coloured, blurred by chance.

    Every random number is drawn once per clip: nothing flickers from frame to frame.

    Args:
        size: height and width of the views in pixels.
        smallest: least share of the picture's area that a crop shows.
        shortest: least share of the clip's frames that a view shows.
        stride: greatest step between frames.
        reverse: probability of playing backwards.
        count: number of views.
        small: number of further views, of `small_size` pixels and a small part of the picture (multi-crop).

    Source: the video SSL recipes that keep a crop constant in time (Feichtenhofer et al., 2021) with BYOL's image
    transforms; solarisation and grey as in BYOL's second view, milder; SwAV for small views.
    """
    steps: list[tuple[float, AbstractTransform[Clip]]] = [(1.0, TimeCrop(shortest, 1.0))]
    if stride > 1:
        steps.append((1.0, Stride(stride)))
    if reverse > 0:
        steps.append((reverse, Reverse()))
    effects = _effects()
    large_crop, small_crop = ResizedCrop(size, smallest), ResizedCrop(small_size, 0.08, 0.3)
    large = chain(*steps, (1.0, large_crop), *effects)
    return Views(chain(), (large,) * count + (chain(*steps, (1.0, small_crop), *effects),) * small)


def views_in_place(size: int = 64, smallest: float = 0.4, count: int = 2) -> Views[Clip]:
    """`count` views that leave time as it is: cropped, flipped, coloured and blurred by chance."""
    return Views(chain(), (chain((1.0, ResizedCrop(size, smallest)), *_effects()),) * count)


def _effects() -> list[tuple[float, AbstractTransform[Clip]]]:
    """What changes the picture and not the time."""
    effects: list[tuple[float, AbstractTransform[Clip]]] = [(0.5, Flip()), (0.8, ColourJitter()), (0.1, Grey())]
    return [*effects, (0.3, Blur()), (0.05, Solarise()), (0.2, CutOut())]


def stretch(item: Clip, begin: float, end: float) -> tuple[Clip, Affine]:
    """What is on show between two moments, at least one frame; t_source = t_view + offset.

    Example:
        >>> clip = Clip(torch.zeros(3, 3, 2, 2, dtype=torch.uint8), torch.tensor([0.0, 0.5, 1.0, 1.5]))
        >>> part, rule = stretch(clip, 0.75, 1.5)
        >>> part.seconds, rule.offset.tolist()
        (0.75, [[0.75, 0.0, 0.0]])
    """
    part = item.part(float(item.edges[0]) + begin, float(item.edges[0]) + end)
    return part, Affine.of([1.0, 1.0, 1.0], [part.start - item.start, 0.0, 0.0])

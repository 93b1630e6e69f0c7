"""Transforms of series, each with its correspondence, and the views made of them.

Correspondences speak of one axis: seconds from the item's first sample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.components.ranges import Between, PositiveShare, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform, Chain, Views

from .data import Series

Speed = Annotated[float, Between(0.1, 10.0)]
"""How many times faster a series passes."""
Factor = Annotated[float, Between(0.0, 1000.0)]
"""By what the values of a channel are multiplied, or the deviations that are added."""


def unchanged(item: Series) -> Affine:  # noqa: ARG001
    """The correspondence of a series to itself."""
    return Affine.identity(1)


def middle(values: Float[Tensor, "time channels"]) -> Float[Tensor, " channels"]:
    """The median of every channel: one strange moment does not move it."""
    return values.median(dim=0).values


def spread(values: Float[Tensor, "time channels"]) -> Float[Tensor, " channels"]:
    """The median distance from the median, as a standard deviation of Gaussian values."""
    return 1.4826 * (values - middle(values)).abs().median(dim=0).values


@final
class TimeCrop(AbstractTransform[Series]):
    """A random stretch of `shortest` … `longest` times the item."""

    def __init__(self, shortest: PositiveShare = 0.5, longest: PositiveShare = 0.9) -> None:
        self.shortest = shortest
        self.longest = longest
        check_ranges(self)
        check_ordered(self, "shortest", "longest")

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:
        """t_source = t_view + offset."""
        length = max(1, round(rng.uniform(self.shortest, self.longest) * len(item.values)))
        first = int(rng.integers(len(item.values) - length + 1))
        return stretch(item, first, first + length)


def stretch(item: Series, first: int, last: int) -> tuple[Series, Affine]:
    """Samples `first` … `last`; t_source = t_view + offset."""
    offset = first / item.sample_rate
    part = replace(item, values=item.values[first:last].clone(), start=item.start + offset)
    return part, Affine.of([1.0], [offset])


@final
class TimeScale(AbstractTransform[Series]):
    """Faster or slower, `slowest` … `fastest` times: every sample is the mean over what it covers of the source.

    The view is never longer than the item: what is slowed is cut at its end.
    """

    def __init__(self, slowest: Speed = 0.8, fastest: Speed = 1.25) -> None:
        self.slowest = slowest
        self.fastest = fastest
        check_ranges(self)
        check_ordered(self, "slowest", "fastest")

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:
        """t_source = speed · t_view."""
        speed, time = float(rng.uniform(self.slowest, self.fastest)), len(item.values)
        length = max(1, min(time, int(time / speed)))
        edges = (torch.arange(length + 1, dtype=torch.float64) * speed).clamp(max=time)
        values = item.values.double()
        sums = torch.cat([values.new_zeros(1, values.shape[1]), values.cumsum(dim=0)])
        whole = edges.long().clamp(max=time - 1)
        integral = sums[whole] + (edges - whole)[:, None] * values[whole]
        return replace(item, values=(integral.diff(dim=0) / speed).float()), Affine.of([speed], [0.0])


@final
class Gain(AbstractTransform[Series]):
    """Every channel stronger or weaker about its median, by a factor of its own from `low` … `high`."""

    def __init__(self, low: Factor = 0.7, high: Factor = 1.4) -> None:
        self.low = low
        self.high = high
        check_ranges(self)
        check_ordered(self, "low", "high")

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:
        """x → m + g (x − m)."""
        gain = torch.from_numpy(rng.uniform(self.low, self.high, item.values.shape[1])).float()
        centre = middle(item.values)
        return replace(item, values=centre + gain * (item.values - centre)), unchanged(item)


@final
class Offset(AbstractTransform[Series]):
    """Every channel moved up or down by up to `most` deviations of its own: sensors are zeroed differently."""

    def __init__(self, most: Factor = 0.5) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:
        """x → x + b."""
        by = torch.from_numpy(rng.uniform(-self.most, self.most, item.values.shape[1])).float()
        return replace(item, values=item.values + by * spread(item.values)), unchanged(item)


@final
class Jitter(AbstractTransform[Series]):
    """Gaussian noise of up to `most` deviations of every channel."""

    def __init__(self, most: Factor = 0.2) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:
        """x → x + ε."""
        level = float(rng.uniform(0, self.most))
        noise = torch.from_numpy(rng.standard_normal(tuple(item.values.shape), dtype=np.float32))
        return replace(item, values=item.values + level * spread(item.values) * noise), unchanged(item)


@final
class Blank(AbstractTransform[Series]):
    """All channels stand at their medians for up to `most` of the item, which is hidden."""

    def __init__(self, most: PositiveShare = 0.2) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:
        """The identity where nothing is blank."""
        time = len(item.values)
        length = min(time, max(1, round(rng.uniform(0, self.most) * time)))
        first = int(rng.integers(time - length + 1))
        values = item.values.clone()
        values[first : first + length] = middle(item.values)
        low, high = first / item.sample_rate, (first + length) / item.sample_rate
        return replace(item, values=values), unchanged(item).hiding([low], [high])


@final
class ChannelDrop(AbstractTransform[Series]):
    """Each channel stands at its median with a chance of `share`; one stays at least."""

    def __init__(self, share: Share = 0.25) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:
        """The identity."""
        channels = item.values.shape[1]
        dropped = rng.random(channels) < self.share
        dropped[int(rng.integers(channels))] = False
        values = torch.where(torch.from_numpy(dropped), middle(item.values), item.values)
        return replace(item, values=values), unchanged(item)


@final
class Backwards(AbstractTransform[Series]):
    """The last sample first."""

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:  # noqa: ARG002
        """t_source = end − t_view."""
        return replace(item, values=item.values.flip(0)), Affine.of([-1.0], [item.seconds])


@final
class Halves(AbstractTransform[Series]):
    """Two halves, in their order or swapped; both stand at their medians where they meet, and at the ends of the item.

    In both orders, so that no jump gives the order away. Of swapped halves no correspondence is known, since no one
    shift describes it.
    """

    def __init__(self, swapped: bool) -> None:
        self.swapped = swapped

    def __call__(self, item: Series, rng: np.random.Generator) -> tuple[Series, Affine]:  # noqa: ARG002
        """The identity, or none."""
        time = len(item.values)
        ramp = min(8, time // 4)
        rise, centre = torch.linspace(0.0, 1.0, ramp + 2)[1:-1, None], middle(item.values)
        halves = [half - centre for half in item.values.tensor_split([time // 2])]
        for half in halves:
            half[:ramp] *= rise
            half[len(half) - ramp :] *= rise.flip(0)
        values = centre + torch.cat(halves[::-1] if self.swapped else halves)
        return replace(item, values=values), Affine.none(1) if self.swapped else unchanged(item)


def chain(*steps: tuple[float, AbstractTransform[Series]]) -> Chain[Series]:
    """Transforms of series in a row, as pairs (probability, transform); none is the item itself."""
    return Chain(unchanged, steps)


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Series]]] = {
    "direction": {"forwards": chain(), "backwards": Backwards()},
    "speed": {f"{rate:g}×": TimeScale(rate, rate) for rate in (1.0, 1.5, 2.0)},
    "order": {"kept": Halves(swapped=False), "swapped": Halves(swapped=True)},
}
"""Forwards or backwards, three speeds, or two halves in their order or not."""
IN_PLACE: Sequence[tuple[float, AbstractTransform[Series]]] = (
    (0.8, Gain()),
    (0.5, Offset()),
    (0.5, Jitter()),
    (0.3, ChannelDrop()),
    (0.3, Blank()),
)
"""Steps that leave time as it is."""


def default_views(count: int = 2) -> Views[Series]:
    """`count` views of each item: a crop, by chance faster or slower, stronger or weaker, noisier, blanked."""
    steps = ((1.0, TimeCrop()), (0.3, TimeScale()), *IN_PLACE)
    return Views(chain(), (chain(*steps),) * count)

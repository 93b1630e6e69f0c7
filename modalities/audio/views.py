"""Transforms that move or hide parts of a recording, each with its correspondence, and views made of all transforms.

Correspondences speak of two axes: seconds from the item's first sample, and octaves (log₂ Hz). Encoders of time frames
use the first alone.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform, Chain, Views

from .data import Recording
from .effects import BackgroundMix, Filters, Gain, Noise, changed, global_seed, unchanged

ALL = float("inf")
FAR = 100.0  # octaves and seconds: beyond anything a view shows
Seconds = Annotated[float, Between(0.0, 86_400.0)]
"""A stretch of a recording."""
Octaves = Annotated[float, Between(0.0, 20.0)]
"""The width of a band."""
Semitones = Annotated[float, Between(-24.0, 24.0)]
"""By how much a pitch is moved."""
# Beyond twice the length Signalsmith draws from a random device, and views would not repeat.
Rate = Annotated[float, Between(0.5, 10.0)]
"""How many times faster a recording is played."""


@final
class TimeCrop(AbstractTransform[Recording]):
    """A random stretch of `shortest` … `longest` seconds; an item that is shorter stays whole."""

    def __init__(self, shortest: Seconds = 2.0, longest: Seconds = 3.5) -> None:
        self.shortest = shortest
        self.longest = longest
        check_ranges(self)
        check_ordered(self, "shortest", "longest")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """t_source = t_view + offset."""
        length = max(1, round(rng.uniform(self.shortest, self.longest) * item.sample_rate))
        first = int(rng.integers(max(0, len(item.samples) - length) + 1))
        offset = first / item.sample_rate
        stretch = replace(item, samples=item.samples[first : first + length].clone(), start=item.start + offset)
        return stretch, Affine.of([1.0, 1.0], [offset, 0.0])


@final
class TimeStretch(AbstractTransform[Recording]):
    """Faster or slower by a rate of `slowest` … `fastest`, pitch kept (audiomentations, Signalsmith).

    The view is never longer than the item: slowed sound is cut at its end, quickened sound ends earlier.
    """

    def __init__(self, slowest: Rate = 0.8, fastest: Rate = 1.25) -> None:
        self.slowest = slowest
        self.fastest = fastest
        check_ranges(self)
        check_ordered(self, "slowest", "fastest")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """t_source = rate · t_view."""
        from audiomentations import TimeStretch as Stretch

        rate = float(rng.uniform(self.slowest, self.fastest))
        stretch = Stretch(rate, rate, leave_length_unchanged=False, method="signalsmith_stretch", p=1.0)
        with global_seed(rng):
            samples = stretch(item.samples.numpy().copy(), sample_rate=item.sample_rate)
        length = max(1, min(len(item.samples), int(len(item.samples) / rate)))
        return changed(item, samples[:length]), Affine.of([rate, 1.0], [0.0, 0.0])


@final
class PitchShift(AbstractTransform[Recording]):
    """Higher or lower by `lowest` … `highest` semitones, tempo kept (audiomentations, Signalsmith)."""

    def __init__(self, lowest: Semitones = -4.0, highest: Semitones = 4.0) -> None:
        self.lowest = lowest
        self.highest = highest
        check_ranges(self)
        check_ordered(self, "lowest", "highest")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """f_source = f_view − n / 12 octaves, for n semitones up."""
        from audiomentations import PitchShift as Pitch

        semitones = float(rng.uniform(self.lowest, self.highest))
        pitch = Pitch(semitones, semitones, method="signalsmith_stretch", p=1.0)
        with global_seed(rng):
            samples = pitch(item.samples.numpy().copy(), sample_rate=item.sample_rate)
        return changed(item, samples[: len(item.samples)]), Affine.of([1.0, 1.0], [0.0, -semitones / 12])


@final
class Shift(AbstractTransform[Recording]):
    """Later or earlier by up to `most` seconds (and a quarter of the item); what is left empty is silent and hidden."""

    def __init__(self, most: Seconds = 0.5) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """t_source = t_view − shift."""
        most = min(self.most, item.seconds / 4)
        by = round(rng.uniform(-most, most) * item.sample_rate)
        samples = torch.zeros_like(item.samples)
        if by >= 0:
            samples[by:] = item.samples[: len(samples) - by]
        else:
            samples[:by] = item.samples[-by:]
        seconds = by / item.sample_rate
        rule = Affine.of([1.0, 1.0], [-seconds, 0.0])
        if by > 0:
            rule = rule.hiding([-FAR, -ALL], [seconds, ALL])
        elif by < 0:
            rule = rule.hiding([item.seconds + seconds, -ALL], [item.seconds + FAR, ALL])
        return changed(item, samples), rule


@final
class TimeMask(AbstractTransform[Recording]):
    """Silence for `shortest` … `longest` seconds (at most a third of the item), hidden."""

    def __init__(self, shortest: Seconds = 0.05, longest: Seconds = 0.4) -> None:
        self.shortest = shortest
        self.longest = longest
        check_ranges(self)
        check_ordered(self, "shortest", "longest")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """The identity where the mask is not."""
        seconds = min(rng.uniform(self.shortest, self.longest), item.seconds / 3)
        length = max(1, round(seconds * item.sample_rate))
        first = int(rng.integers(max(0, len(item.samples) - length) + 1))
        samples = item.samples.clone()
        samples[first : first + length] = 0.0
        low, high = first / item.sample_rate, (first + length) / item.sample_rate
        return changed(item, samples), unchanged(item).hiding([low, -ALL], [high, ALL])


@final
class FrequencyMask(AbstractTransform[Recording]):
    """Stop a band of `narrowest` … `widest` octaves, hidden; its edges are too smooth to ring for long."""

    def __init__(self, narrowest: Octaves = 0.3, widest: Octaves = 1.0) -> None:
        self.narrowest = narrowest
        self.widest = widest
        check_ranges(self)
        check_ordered(self, "narrowest", "widest")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """The identity where the band is not."""
        width = float(rng.uniform(self.narrowest, self.widest))
        low = float(rng.uniform(LOWEST, max(LOWEST, _top(item) - width)))
        samples = _weigh(item.samples, item.sample_rate, low, low + width, outside=1.0)
        return changed(item, samples), unchanged(item).hiding([-ALL, low], [ALL, low + width])


@final
class FrequencyCrop(AbstractTransform[Recording]):
    """Keep a random band of `narrowest` … `widest` octaves and hide the rest."""

    def __init__(self, narrowest: Octaves = 3.0, widest: Octaves = 5.0) -> None:
        self.narrowest = narrowest
        self.widest = widest
        check_ranges(self)
        check_ordered(self, "narrowest", "widest")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """The identity within the band."""
        width = float(rng.uniform(self.narrowest, self.widest))
        low = float(rng.uniform(LOWEST, max(LOWEST, _top(item) - width)))
        high = low + width
        samples = _weigh(item.samples, item.sample_rate, low, high, outside=0.0)
        rule = unchanged(item).hiding([-ALL, -FAR], [ALL, low]).hiding([-ALL, high], [ALL, FAR])
        return changed(item, samples), rule


LOWEST = math.log2(150.0)
"""Where bands may begin: narrower ones further down would ring beyond an element."""


def _top(item: Recording) -> float:
    return math.log2(item.sample_rate / 2)


def _weigh(
    samples: Float[Tensor, " time"], rate: int, low: float, high: float, outside: float, edge: float = 60.0
) -> Float[Tensor, " time"]:
    """The spectrum times `outside` outside the band and 1 − `outside` in it, with raised-cosine edges `edge` Hz wide.

    Zero phase; the padding keeps the ends from reaching around to each other.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(samples) + 2048, real=True)
    # Outside of the band and its edges nothing has to be computed: that is most of the spectrum.
    first, last = (math.floor(hertz * size / rate) for hertz in (2**low - edge / 2, 2**high + edge / 2))
    near = slice(max(0, first), max(0, last + 2))
    hertz = np.arange(size // 2 + 1, dtype=np.float32)[near] * (rate / size)
    rise = np.clip((hertz - 2**low) / edge + 0.5, 0, 1)
    fall = np.clip((2**high - hertz) / edge + 0.5, 0, 1)
    band = (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))
    spectrum = rfft(samples.numpy(), size)
    inside = spectrum[near] * (outside + (1 - 2 * outside) * band).astype(np.float32)
    spectrum *= np.float32(outside)
    spectrum[near] = inside
    return torch.from_numpy(irfft(spectrum, size, overwrite_x=True)[: len(samples)].copy())


def chain(*steps: tuple[float, AbstractTransform[Recording]]) -> Chain[Recording]:
    """Transforms of recordings in a row, as pairs (probability, transform); none is the item itself.

    Example:
        >>> view = chain((1.0, TimeCrop(2.0, 3.0)), (0.5, Gain()))
        >>> item, correspondence = view(Recording(torch.zeros(64_000), 16_000), np.random.default_rng(0))
        >>> 2.0 <= item.seconds <= 3.0
        True
    """
    return Chain(unchanged, steps)


def stretch(item: Recording, begin: float, end: float) -> tuple[Recording, Affine]:
    """The samples between two moments, at least one; t_source = t_view + offset.

    Example:
        >>> part, rule = stretch(Recording(torch.arange(32_000.0), 16_000), 0.5, 1.0)
        >>> part.seconds, float(part.samples[0]), rule.offset.tolist()
        (0.5, 8000.0, [[0.5, 0.0]])
    """
    first = min(max(0, round(begin * item.sample_rate)), len(item.samples) - 1)
    last = max(first + 1, round(end * item.sample_rate))
    offset = first / item.sample_rate
    part = replace(item, samples=item.samples[first:last].clone(), start=item.start + offset)
    return part, Affine.of([1.0, 1.0], [offset, 0.0])


def views_in_place(count: int = 2) -> Views[Recording]:
    """`count` views that leave time as it is: filtered, louder or softer, noisier, masked by chance."""
    steps: list[tuple[float, AbstractTransform[Recording]]] = [(0.5, Filters()), (0.8, Gain()), (0.5, Noise())]
    steps += [(0.3, FrequencyMask()), (0.3, TimeMask())]
    return Views(chain(), (chain(*steps),) * count)


def default_views(
    shortest: float = 2.0,
    longest: float = 3.5,
    count: int = 2,
    rich: bool = False,
    backgrounds: Sequence[Recording] = (),
) -> Views[Recording]:
    """`count` views of each item: a crop, made louder or softer, filtered, noisier, shifted and masked by chance.

    All steps are cheap; `rich` adds stretching and pitch, which cost some 10 ms per view. With `backgrounds`, one is
    mixed in half of the time.
    """
    steps: list[tuple[float, AbstractTransform[Recording]]] = [(1.0, TimeCrop(shortest, longest))]
    if rich:
        steps += [(0.3, TimeStretch()), (0.3, PitchShift())]
    steps += [(0.2, Shift(0.25)), (0.5, Filters()), (0.8, Gain())]
    if backgrounds:
        steps.append((0.5, BackgroundMix(backgrounds)))
    steps += [(0.5, Noise()), (0.3, FrequencyMask()), (0.3, TimeMask())]
    return Views(chain(), (chain(*steps),) * count)

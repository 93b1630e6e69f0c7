"""Transforms that change how a recording sounds and leave everything in its place: the identity correspondence."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ordered, check_ranges
from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Recording

AXES = 2
"""Time in seconds from the item's first sample, and frequency in octaves (log₂ Hz)."""
Decibels = Annotated[float, Between(-200.0, 200.0)]
"""A gain, or how far one sound lies below another."""


def unchanged(item: Recording) -> Affine:  # noqa: ARG001
    """The correspondence of a recording to itself."""
    return Affine.identity(AXES)


def changed(item: Recording, samples: Float[Tensor, " time"] | Float[np.ndarray, " time"]) -> Recording:
    """The item with other samples, as float32 and finite."""
    tensor = torch.as_tensor(samples).float()
    return replace(item, samples=torch.nan_to_num(tensor, nan=0.0, posinf=0.0, neginf=0.0))


@contextmanager
def global_seed(rng: np.random.Generator) -> Iterator[None]:
    """Seed the global generators, from which audiomentations draws, and put their states back afterwards."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    seed = int(rng.integers(2**32))
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def loudness(samples: Float[Tensor, " time"], block: int = 512) -> float:
    """The level that nine tenths of the blocks stay below, as root mean square.

    Unlike the overall level it hardly depends on any single moment: an added click must not change the noise that is
    mixed in elsewhere, and a short sound in a long silence counts as it does to a listener.
    """
    whole = len(samples) // block * block
    blocks = samples[:whole].view(-1, block) if whole else samples[None]
    power = blocks.square().mean(dim=1)
    return float(power.kthvalue(int(0.9 * (len(power) - 1)) + 1).values.sqrt()) if len(samples) else 0.0


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


@final
class Gain(AbstractTransform[Recording]):
    """Louder or softer by `low` … `high` dB."""

    def __init__(self, low: Decibels = -12.0, high: Decibels = 12.0) -> None:
        self.low = low
        self.high = high
        check_ranges(self)
        check_ordered(self, "low", "high")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """Scale the samples."""
        return changed(item, item.samples * 10 ** (_between(rng, self.low, self.high) / 20)), unchanged(item)


@final
class Noise(AbstractTransform[Recording]):
    """Add Gaussian noise, `low` … `high` dB below the item's loudness; silence stays silent."""

    def __init__(self, low: Decibels = 5.0, high: Decibels = 30.0) -> None:
        self.low = low
        self.high = high
        check_ranges(self)
        check_ordered(self, "low", "high")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """Add the noise."""
        level = loudness(item.samples) * 10 ** (-_between(rng, self.low, self.high) / 20)
        noise = torch.from_numpy(rng.standard_normal(len(item.samples), dtype=np.float32))
        return changed(item, item.samples + level * noise), unchanged(item)


@final
class Filters(AbstractTransform[Recording]):
    """One random filter of audiomentations: low, high or band pass, low or high shelf, or a peak.

    Passes run forwards and backwards and delay nothing; shelves and peaks are so gentle that they delay by a few
    milliseconds, well below an element.

    Args:
        gain: greatest gain or loss of shelves and peaks, in dB.
    """

    KINDS = ("low_pass", "high_pass", "band_pass", "low_shelf", "high_shelf", "peak")
    SHORTEST = 256  # samples; a filter needs some to start from

    def __init__(self, gain: Annotated[float, Between(0.0, 100.0)] = 12.0) -> None:
        self.gain = gain
        check_ranges(self)

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """Filter the samples."""
        kind = self.KINDS[int(rng.integers(len(self.KINDS)))]
        place, strength = float(rng.random()), _between(rng, -self.gain, self.gain)
        if len(item.samples) < self.SHORTEST:
            return item, unchanged(item)
        filter_ = _filter(kind, place, strength, item.sample_rate / 2)
        with global_seed(rng):
            filtered = filter_(item.samples.numpy().copy(), sample_rate=item.sample_rate)
        return changed(item, filtered), unchanged(item)


def _filter(kind: str, place: float, strength: float, nyquist: float) -> Any:
    """The filter of that kind, `place` of the way up its range of frequencies (in octaves).

    Ranges are those of recordings at 16 kHz; of others, as much of the way up to the highest frequency.
    """
    import audiomentations

    def at(low: float, high: float) -> float:
        return low * math.pow(high / low, place) * nyquist / 8000.0

    low_pass, high_pass, centre = at(1000.0, 7000.0), at(60.0, 1500.0), at(200.0, 4000.0)
    passing: dict[str, Any] = {"min_rolloff": 12, "max_rolloff": 12, "zero_phase": True, "p": 1.0}
    if kind == "low_pass":
        return audiomentations.LowPassFilter(low_pass, low_pass, **passing)
    if kind == "high_pass":
        return audiomentations.HighPassFilter(high_pass, high_pass, **passing)
    if kind == "band_pass":
        return audiomentations.BandPassFilter(centre, centre, 1.5, 1.5, **passing)
    if kind == "low_shelf":
        return audiomentations.LowShelfFilter(centre, centre, strength, strength, 0.7, 0.7, p=1.0)
    if kind == "high_shelf":
        return audiomentations.HighShelfFilter(low_pass, low_pass, strength, strength, 0.7, 0.7, p=1.0)
    return audiomentations.PeakingFilter(centre, centre, strength, strength, 1.0, 1.0, p=1.0)


@final
class BackgroundMix(AbstractTransform[Recording]):
    """Mix a random stretch of another recording under the item, `low` … `high` dB below its loudness.

    The added sound has no place in the source, so every element still shows its own source element.

    Args:
        backgrounds: recordings of the item's sample rate; shorter ones are repeated.
    """

    def __init__(self, backgrounds: Sequence[Recording], low: Decibels = 3.0, high: Decibels = 20.0) -> None:
        if not backgrounds:
            raise ValueError("BackgroundMix needs at least one background recording, got none")
        self.backgrounds = tuple(backgrounds)
        self.low = low
        self.high = high
        check_ranges(self)
        check_ordered(self, "low", "high")

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:
        """Add the background.

        Raises:
            ValueError: if the background has another sample rate.
        """
        background = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        if background.sample_rate != item.sample_rate:
            raise ValueError(
                f"the background has {background.sample_rate} Hz, the item {item.sample_rate} Hz; resample it first"
            )
        length, available = len(item.samples), len(background.samples)
        begin = int(rng.integers(max(1, available - length + 1)))
        enough = background.samples if length <= available else background.samples.repeat(-(-length // available))
        added = enough[begin : begin + length]
        level = loudness(item.samples) * 10 ** (-_between(rng, self.low, self.high) / 20)
        scale = level / max(loudness(added), 1e-6)
        return changed(item, item.samples + scale * added), unchanged(item)

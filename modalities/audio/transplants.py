"""Sounds of one recording added to another: without the noise beneath them, of another level, colour and pitch."""

import math
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.data.transplants import DONOR, HOST, NEITHER
from gestalt.core.modality.transplant import Transplant

from .data import Recording
from .effects import changed, loudness, unchanged

WINDOW = 0.032
"""Seconds of a short-time spectrum, about."""
CELL = 0.016
"""Seconds of the cells that say who is heard, about."""
FADE = 0.01
"""Seconds in which a sound sets in and dies away."""
SHORTEST = 0.03
"""Seconds; shorter parts are clicks."""
LONGEST = 0.8
"""The greatest share of the host that a part may cover."""
QUIET, LOUD, FLOOR = 0.25, 0.75, 0.15
"""Quantiles over time: the power of a recording's noise, of a part, and of each frequency of the donor's noise."""
NOISE = 2 / -math.log(1 - FLOOR)
"""Twice the mean of Gaussian noise whose power stays below 1 in that share of its moments: so much is subtracted."""
DISTINCT = 0.25
"""A part of which less than this share of its power is left then is no more than its recording's noise."""
ABOVE_NOISE = (-2.0, 14.0)
"""dB of a part over the host's noise; up to the host's loudness where that is more."""
TILT = 7.5
"""dB that a part gains or loses, at most, from the lowest to the middle and on to the highest octave."""
SEMITONES = 4.0
"""A part is at most so much higher or lower, and as much faster or slower."""
MOVED = 1 / 3
"""Chance of another pitch."""
HEARD = 0.5
"""A part is clearly heard where it has at least this share of the host's power,"""
SILENT = 0.01
"""and not at all below this one: between, it is a mixture."""
NOTHING = 1e-10
"""Power of silence."""


@final
class Stretch(NamedTuple):
    """The samples of a part in its recording, and its cells of time and, where it has any, frequency."""

    first: int
    length: int
    frequencies: Float[Tensor, " edges"] | None


def transplant(
    host: Recording, donor: Recording, part: ItemMasks, rng: np.random.Generator, later: float | None = None
) -> Transplant[Recording] | None:
    """A sound of one recording added to another at a random place, or at a given one.

    Of a part with several stretches the longest is taken. From every frequency the noise of the donor is subtracted
    (estimated by the power that 15 % of its moments stay below), so that the sound comes without it. Its level is drawn
    from just below the host's noise up to 14 dB above it, or to the host's loudness; its spectrum is tilted by up to
    7.5 dB either way, and one in three is played up to 4 semitones faster or slower. A mixture is said to show the part
    where it has at least half of the host's power, and neither elsewhere in the stretch.

    Args:
        host: the recording that the part is added to.
        donor: the recording that it is a part of.
        part: when it is heard, or when and at which frequencies (octaves).
        rng: the only source of randomness.
        later: what is at t in the host was at t + `later` in the donor, seconds; the sound then keeps its speed, and is
            cut where the host ends. None: anywhere.

    Returns:
        None for a part that is shorter than 30 ms, longer than four fifths of the host, inaudible over its own noise or
        the host, or of another sample rate.
    """
    if host.sample_rate != donor.sample_rate:
        return None
    rate = host.sample_rate
    stretch = _stretch(part, donor)
    if later is not None:
        stretch = _within(stretch, round(later * rate), len(host.samples))
    speed = 2 ** (float(rng.uniform(-SEMITONES, SEMITONES)) / 12) if rng.random() < MOVED else 1.0
    speed = speed if later is None else 1.0
    length = round(stretch.length / speed)
    tilt, draw = float(rng.uniform(-TILT, TILT)), float(rng.random())
    if min(stretch.length, length) < SHORTEST * rate or length > LONGEST * len(host.samples):
        return None
    lifted = _lifted(donor, stretch, part, tilt)
    if lifted is None:
        return None
    sound = _resampled(lifted, length)
    level = _power(sound, LOUD)
    if level < NOTHING:
        return None
    sound = _faded(sound, round(FADE * rate)) * math.sqrt(_target(host, level, draw) / level)

    begin = int(rng.integers(len(host.samples) - length + 1))
    begin = begin if later is None else stretch.first - round(later * rate)
    added = torch.zeros_like(host.samples)
    added[begin : begin + length] = sound
    owner = _owner(host, added, begin, length, stretch.frequencies)
    if not bool((owner.labels == DONOR).any()):
        return None
    offset = stretch.first / rate - speed * begin / rate
    rule = Affine.of([speed, 1.0], [offset, -math.log2(speed)])
    return Transplant(changed(host, host.samples + added), unchanged(host), rule, owner)


def _stretch(part: ItemMasks, donor: Recording) -> Stretch:
    """The longest time without a break in which some of the part is heard."""
    if part.grid is None:
        raise ValueError("a part of a recording lies on seconds, got that of a set")
    heard = (part.labels.view(part.grid.shape[0], -1) >= 0).any(dim=1).numpy()
    turns = np.flatnonzero(np.diff(np.concatenate([[False], heard, [False]]).astype(np.int8))).reshape(-1, 2)
    edges = (part.grid.edges[0][0].double().numpy() * donor.sample_rate).round().astype(int)
    bounds = edges[turns].clip(0, len(donor.samples))
    longest = int((bounds[:, 1] - bounds[:, 0]).argmax()) if len(bounds) else None
    begin, end = (0, 0) if longest is None else bounds[longest].tolist()
    frequencies = part.grid.edges[1][0] if len(part.grid.edges) > 1 else None
    return Stretch(begin, end - begin, frequencies)


def _within(stretch: Stretch, later: int, samples: int) -> Stretch:
    """What of a stretch lies in a host of so many samples, which begins `later` samples behind the donor."""
    first = max(stretch.first, later)
    last = min(stretch.first + stretch.length, later + samples)
    return stretch._replace(first=first, length=max(last - first, 0))


def _window(rate: int) -> Float[Tensor, " samples"]:
    return torch.hann_window(2 ** max(4, round(math.log2(WINDOW * rate))))


def _lifted(donor: Recording, stretch: Stretch, part: ItemMasks, tilt: float) -> Tensor | None:
    """The samples of a part, less the donor's noise and whatever else is heard at other frequencies, tilted.

    None where that is no more than the noise.

    Source: spectral subtraction (Boll, 1979), with twice the estimated noise (Berouti et al., 1979).
    """
    window = _window(donor.sample_rate)
    size, hop = len(window), len(window) // 4
    padded = functional.pad(donor.samples, (0, max(0, size - len(donor.samples))))
    frames = padded.unfold(0, size, size // 2)
    spectra = torch.fft.rfft(frames * window).abs().square()
    noise = NOISE * spectra.kthvalue(1 + int(FLOOR * (len(spectra) - 1)), dim=0).values[:, None]
    samples = donor.samples[stretch.first : stretch.first + stretch.length]
    spectrum = torch.stft(samples, size, hop, window=window, pad_mode="constant", return_complex=True)
    power = spectrum.abs().square()
    hertz = torch.fft.rfftfreq(size, 1 / donor.sample_rate)
    octaves = torch.log2(hertz.clamp(min=float(hertz[1]) / 2))
    place = 2 * (octaves - octaves[0]) / float(octaves[-1] - octaves[0]) - 1
    left = (1 - noise / power.clamp(min=NOTHING**2)).clamp(min=0)
    if stretch.frequencies is not None:
        assert part.grid is not None
        seconds = (stretch.first + hop * torch.arange(spectrum.shape[1])) / donor.sample_rate
        points = torch.cartesian_prod(octaves, seconds.clamp(max=float(part.grid.edges[0][0, -1]) - 1e-6)).flip(1)
        cells = part.grid.locate(points[None])[0]
        inside = (cells >= 0) & (part.labels[cells.clamp(min=0)] >= 0)
        left, power = left * inside.view(left.shape), power * inside.view(left.shape)
    if float((left * power).sum()) < DISTINCT * float(power.sum()):
        return None
    gain = left.sqrt() * 10 ** (tilt * place / 20)[:, None]
    return torch.istft(spectrum * gain, size, hop, window=window, length=stretch.length)


def _resampled(samples: Float[Tensor, " time"], length: int) -> Float[Tensor, " other"]:
    """The same sound in so many samples: of another speed and pitch; by cubic interpolation, which reaches not far."""
    if length == len(samples):
        return samples
    one_row = samples[None, None, None]
    return functional.interpolate(one_row, (1, length), mode="bicubic", antialias=length < len(samples))[0, 0, 0]


def _faded(samples: Float[Tensor, " time"], ramp: int) -> Float[Tensor, " time"]:
    ramp = min(ramp, len(samples) // 2)
    rise = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(ramp) + 0.5) / ramp)
    return torch.cat([samples[:ramp] * rise, samples[ramp : len(samples) - ramp], samples[-ramp:] * rise.flip(0)])


def _power(samples: Float[Tensor, " time"], quantile: float, block: int = 256) -> float:
    """The power that a share of the blocks stay below."""
    block = min(block, len(samples))
    powers = samples[: len(samples) // block * block].view(-1, block).square().mean(dim=1)
    return float(powers.kthvalue(1 + int(quantile * (len(powers) - 1))).values)


def _target(host: Recording, level: float, draw: float) -> float:
    """The power of a part in the host, at `draw` between the least and the most; its own where the host is silent."""
    noise, loud = _power(host.samples, QUIET), loudness(host.samples) ** 2
    if loud < NOTHING:
        return level
    low = 10 * math.log10(max(noise, loud * 1e-6)) + ABOVE_NOISE[0]
    high = max(low + ABOVE_NOISE[1] - ABOVE_NOISE[0], 10 * math.log10(loud))
    return float(10 ** ((low + draw * (high - low)) / 10))


def _owner(
    host: Recording, added: Float[Tensor, " time"], begin: int, length: int, frequencies: Float[Tensor, " _"] | None
) -> ItemMasks:
    """Who is heard: in cells of time, or of time and frequency where the part has both."""
    samples = len(added)
    cells = max(1, round(samples / (CELL * host.sample_rate)))
    bounds = torch.linspace(0, samples, cells + 1).round().long()
    edges = (bounds.double() / host.sample_rate).float()[None]
    within = (bounds[1:] > begin) & (bounds[:-1] < begin + length)
    if frequencies is None:
        own, other = (_cumulated(one.square(), bounds) for one in (added, host.samples))
        heard = torch.where(within, torch.where(own > HEARD * other, DONOR, NEITHER), HOST)
        return ItemMasks(heard, Grid((edges,)))
    own, other = (_cells(one, bounds, frequencies, host.sample_rate) for one in (added, host.samples))
    some = within[:, None] & (own > SILENT * other)
    heard = torch.where(some, torch.where(own > HEARD * other, DONOR, NEITHER), HOST)
    return ItemMasks(heard.flatten(), Grid((edges, frequencies[None])))


def _cumulated(values: Float[Tensor, " time"], bounds: Int[Tensor, " edges"]) -> Float[Tensor, " cells"]:
    sums = functional.pad(values.double().cumsum(0), (1, 0))
    return sums[bounds].diff()


def _cells(
    samples: Float[Tensor, " time"], bounds: Int[Tensor, " edges"], frequencies: Float[Tensor, " _"], rate: int
) -> Float[Tensor, "cells bands"]:
    """The power in cells of time and frequency, of which each has at least one line of the spectrum."""
    window = _window(rate)
    size = len(window)
    starts = ((bounds[1:] + bounds[:-1]) // 2).clamp(max=len(samples) - 1)
    frames = functional.pad(samples, (size // 2, size)).unfold(0, size, 1)[starts]
    spectra = torch.fft.rfft(frames * window).abs().square().double()
    sums = functional.pad(spectra.cumsum(1), (1, 0))
    lines = 2.0 ** frequencies.double() * size / rate
    low = lines[:-1].floor().long().clamp(0, size // 2)
    high = torch.maximum(lines[1:].ceil().long(), low + 1).clamp(max=size // 2 + 1)
    return sums[:, high] - sums[:, low]

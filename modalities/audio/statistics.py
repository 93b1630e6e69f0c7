"""What is computed from a recording: how loud, bright, tonal and even it is."""

import math

import torch
from torch import Tensor

from .data import Recording

WINDOW, HOP = 0.032, 0.016  # seconds
FLOOR = 1e-10
"""Power that counts as silence, so that logarithms are finite."""
LAGS = (1 / 500, 1 / 50)
"""Periods, in seconds, among which the pitch is looked for."""


def statistics(recording: Recording) -> dict[str, float]:
    """Spectral and temporal statistics of a recording; NaN for those of a spectrum where nothing is heard.

    - level and its change: root mean square, peak over it, share of silence, zero crossings, and where in time the
      energy lies and how far it spreads (shares of the length);
    - spectrum: for each of centroid, bandwidth, 85 % roll-off, flatness and flux, the mean over frames that are heard
      and the deviation, in octaves or in logarithms; shares of power in octave bands below half the sample rate;
    - pitch: the greatest autocorrelation at a period from 2 to 20 ms.

    Example:
        >>> tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
        >>> found = statistics(Recording(tone, 16_000))
        >>> round(2 ** found["mean centroid"]), round(found["level"], 2)
        (1000, -3.01)
    """
    samples, rate = recording.samples.detach().double(), recording.sample_rate
    power = samples.square()
    total, place = power.sum(), torch.linspace(0, 1, len(samples), dtype=torch.float64)
    middle = (power * place).sum() / total
    found = {
        "level": 10 * math.log10(float(power.mean()) + FLOOR),
        "crest": 10 * math.log10((float(power.max()) + FLOOR) / (float(power.mean()) + FLOOR)),
        "zero crossings": float((samples[1:] * samples[:-1] < 0).sum()) / recording.seconds,
        "middle of energy": float(middle),
        "spread of energy": float(((power * (place - middle).square()).sum() / total).sqrt()),
    }
    return found | _spectral(_frames(samples, rate), rate) | {"periodicity": _periodicity(samples, rate)}


def _frames(samples: Tensor, rate: int) -> Tensor:
    """The power of every frame at every frequency, frames × bins."""
    window, hop = max(2, round(WINDOW * rate)), max(1, round(HOP * rate))
    padded = torch.nn.functional.pad(samples, (0, max(0, window - len(samples))))
    pieces = padded.unfold(0, window, hop) * torch.hann_window(window, dtype=torch.float64)
    spectrum = torch.fft.rfft(pieces)
    power: Tensor = spectrum.abs().square() / window
    return power


def _spectral(power: Tensor, rate: int) -> dict[str, float]:
    bins = torch.arange(power.shape[1], dtype=torch.float64) * rate / (2 * (power.shape[1] - 1))
    power, octaves = power[:, 1:], bins[1:].log2()
    loud = power.sum(dim=1)
    heard = loud > FLOOR
    share = power[heard] / loud[heard, None]
    centroid = (share * octaves).sum(dim=1)
    width = (share * (octaves - centroid[:, None]).square()).sum(dim=1).sqrt()
    roll = octaves[(share.cumsum(dim=1) < 0.85).sum(dim=1).clamp(max=len(octaves) - 1)]
    flat = (power[heard] + FLOOR).log().mean(dim=1) - (power[heard] + FLOOR).mean(dim=1).log()
    flux = (share[1:] - share[:-1]).abs().sum(dim=1)
    level = (loud + FLOOR).log10()
    rows = {"centroid": centroid, "bandwidth": width, "roll-off": roll, "flatness": flat, "flux": flux, "level": level}
    found = {"share of silence": 1 - float(heard.double().mean())}
    for name, values in rows.items():
        found[f"mean {name}"] = float(values.mean())
        found[f"deviation of {name}"] = float(values.std(correction=0)) if len(values) else math.nan
    mean, top = power.mean(dim=0), math.log2(rate / 2)
    for band in range(6):  # the highest octave first, since every recording has it
        inside = (octaves > top - band - 1) & (octaves <= top - band)
        found[f"octave {band + 1} from the top"] = float(mean[inside].sum() / mean.sum())
    return found


def _periodicity(samples: Tensor, rate: int) -> float:
    size = 2 ** math.ceil(math.log2(2 * len(samples)))
    correlation = torch.fft.irfft(torch.fft.rfft(samples - samples.mean(), n=size).abs().square(), n=size)
    least, most = (round(lag * rate) for lag in LAGS)
    found = correlation[max(1, least) : min(most + 1, len(samples))]
    return float(found.max() / correlation[0]) if len(found) and float(correlation[0]) > 0 else math.nan

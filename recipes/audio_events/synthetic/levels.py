"""Levels of sound in decibels relative to full scale."""

from typing import Any

import numpy as np
from jaxtyping import Float

Waveform = Float[np.ndarray, " _"]
"""Mono samples, one axis."""

SILENCE_DB = -120.0
"""Level given to windows without any signal."""


def amplitude(decibels: Any) -> Any:
    """Factor on the amplitude that changes a level by `decibels`."""
    return 10 ** (decibels / 20)


def level(samples: Waveform) -> float:
    """Level of `samples`, dB relative to full scale."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * np.log10(power) if power > 0 else SILENCE_DB


def window_levels(samples: Waveform, window: int) -> Waveform:
    """Level of each window of `window` samples `(windows,)`, dB; the last is padded with zeros."""
    padded = np.pad(samples, (0, -len(samples) % window)).reshape(-1, window)
    power = np.mean(np.square(padded), axis=1)
    return np.asarray(np.maximum(10 * np.log10(power + 1e-20), SILENCE_DB))

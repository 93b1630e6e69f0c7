"""Recordings as Python's libraries hold them: arrays, entries of torchaudio's data sets, sound of Hugging Face."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .data import Recording
from .reading import resampled

COLUMNS = ("audio", "waveform", "sound", "array")
LEAST_RATE = 1_000
"""In Hz. A smaller number behind samples is a label."""


def recording_of(thing: Any, sample_rate: int) -> Recording:
    """A recording at `sample_rate`: mono, the mean of its channels.

    Args:
        thing: samples alone (time, or channels × time), which have that rate; a tuple that begins with samples, whose
            second entry is their rate if it is an int of `LEAST_RATE` or more, as in torchaudio's data sets; a mapping
            with `array` and `sampling_rate`, or what Hugging Face decodes to that.
        sample_rate: in Hz.

    Raises:
        TypeError: for nothing of these, and for a rate in a tuple that is a float.
        ValueError: for sound that is empty or not finite.

    Example:
        >>> recording_of((torch.ones(2, 8_000), 8_000, "a label"), 16_000).samples.shape
        torch.Size([16000])
    """
    if isinstance(thing, Recording):
        return thing
    sound, rate = _in_entry(thing, sample_rate)
    if hasattr(sound, "get_all_samples"):  # a decoder of torchcodec
        decoded = sound.get_all_samples()
        sound, rate = decoded.data, decoded.sample_rate
    if isinstance(sound, Mapping) and "array" in sound:
        sound, rate = sound["array"], sound.get("sampling_rate", sample_rate)
    if not isinstance(rate, int | float | np.number) or not rate >= 1 or isinstance(sound, str | bytes | Mapping):
        raise TypeError(
            "is no recording: expected samples, or samples and their rate in Hz (a tuple, or a mapping with array and "
            f"sampling_rate), got {type(sound).__name__} with the rate {rate!r}"
        )
    return Recording(resampled(_mono(sound), int(rate), sample_rate), sample_rate)


def _in_entry(thing: Any, sample_rate: int) -> tuple[Any, Any]:
    """The samples in an entry of a data set, and their rate; what is no entry as it is.

    Raises:
        TypeError: for a rate that is a float.
    """
    if not isinstance(thing, tuple) or not thing:
        return thing, sample_rate
    samples, *behind = thing
    said = _rate(thing)
    if said is None and behind and isinstance(behind[0], float | np.floating) and behind[0] >= LEAST_RATE:
        raise TypeError(f"is no recording: the rate behind samples is an int, in Hz, got {behind[0]!r}")
    return samples, sample_rate if said is None else said


def label_in(entry: tuple[Any, ...]) -> Any:
    """The label in an entry of a data set: what stands behind its samples, or behind their rate, if anything does.

    Example:
        >>> label_in(("samples", 16_000, "yes", "a speaker", 3)), label_in(("samples", 3)), label_in(("samples", 8_000))
        ('yes', 3, None)
    """
    behind = entry[1:] if _rate(entry) is None else entry[2:]
    return behind[0] if behind else None


def _rate(entry: tuple[Any, ...]) -> int | None:
    """The rate in an entry of a data set, in Hz; None where it has none."""
    second = entry[1] if len(entry) > 1 else None
    return int(second) if isinstance(second, int | np.integer) and second >= LEAST_RATE else None


def _mono(samples: Any) -> Float[Tensor, " time"]:
    values = np.asarray(samples.detach().cpu() if isinstance(samples, Tensor) else samples)
    if values.dtype.kind not in "iuf" or values.ndim not in (1, 2) or not values.size:
        raise ValueError(f"is no recording: expected time, or channels × time, got {values.dtype} of {values.shape}")
    if values.ndim == 2 and values.shape[0] > values.shape[1]:
        raise ValueError(
            f"has {values.shape[0]} channels of {values.shape[1]} samples: channels come first, transpose it"
        )
    scale = float(np.iinfo(values.dtype).max) if values.dtype.kind in "iu" else 1.0
    mono = torch.from_numpy(values.astype(np.float32) / scale)
    if not bool(mono.isfinite().all()):
        raise ValueError("holds NaN or infinity")
    return mono if mono.ndim == 1 else mono.mean(dim=0)

"""New sounds from known ones: other speeds, spectra and envelopes; and sounds synthesised from nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy import fft

from .levels import Waveform, amplitude
from .sounds import Sound


@final
@dataclass(frozen=True)
class Variety:
    """How new sounds are made from known ones; every probability is for one sound.

    Attributes:
        ratio: range of the speed, and with it of the pitch; drawn evenly in its logarithm.
        gain: greatest gain or loss of the random filter in any octave, dB.
        reverse: probability of playing backwards.
        tremolo: probability of a periodic change of loudness.
        reenvelope: probability of a new attack and decay.
        synthesised: share of sounds that are synthesised from nothing.
        longest: longest sound, seconds.
    """

    ratio: tuple[float, float] = (0.6, 1.7)
    gain: float = 12.0
    reverse: float = 0.15
    tremolo: float = 0.15
    reenvelope: float = 0.5
    synthesised: float = 0.25
    longest: float = 2.5


def vary(rng: np.random.Generator, sound: Sound, config: Variety, sample_rate: int) -> Sound:
    """A new sound from a known one: other speed, other spectrum, perhaps another envelope."""
    low, high = np.log(config.ratio)
    samples = resample(sound.samples, float(np.exp(rng.uniform(low, high))))
    samples = samples[: round(config.longest * sample_rate)]
    if rng.random() < config.reverse:
        samples = samples[::-1]
    samples = equalise(rng, samples, config.gain, sample_rate)
    if rng.random() < config.reenvelope:
        samples = reenvelope(rng, samples, sample_rate)
    if rng.random() < config.tremolo:
        samples = tremolo(rng, samples, sample_rate)
    return replace(sound, samples=np.ascontiguousarray(samples, dtype=np.float32))


def varied(
    rng: np.random.Generator, sounds: Sequence[Sound], count: int, config: Variety, sample_rate: int
) -> tuple[Sound, ...]:
    """`count` new sounds, each of its own name, changed from `sounds` or synthesised."""
    return tuple(
        replace(_new_sound(rng, sounds, config, sample_rate), name=f"varied-{number}") for number in range(count)
    )


def _new_sound(rng: np.random.Generator, sounds: Sequence[Sound], config: Variety, sample_rate: int) -> Sound:
    if rng.random() < config.synthesised:
        return synthesise(rng, config, sample_rate)
    return vary(rng, sounds[int(rng.integers(len(sounds)))], config, sample_rate)


def synthesise(rng: np.random.Generator, config: Variety, sample_rate: int) -> Sound:
    """A sound from nothing: a tone, a frequency-modulated tone, a chirp or a burst of noise."""
    seconds = float(np.exp(rng.uniform(np.log(0.1), np.log(config.longest))))
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    kind = ("tone", "modulated", "chirp", "noise")[rng.integers(4)]
    samples = rng.standard_normal(len(time)) if kind == "noise" else _tone(rng, kind, time, sample_rate)
    samples = equalise(rng, samples, 2 * config.gain, sample_rate)
    samples = reenvelope(rng, samples, sample_rate)
    return Sound(samples.astype(np.float32), "synthesised", kind, "synthesised")


def _tone(rng: np.random.Generator, kind: str, time: Waveform, sample_rate: int) -> Waveform:
    """A pitched waveform `(samples,)` with a few partials."""
    pitch = float(np.exp(rng.uniform(np.log(60.0), np.log(2000.0))))
    phase = 2 * np.pi * pitch * time
    if kind == "chirp":
        octaves_per_second = rng.uniform(-3.0, 3.0) / max(time[-1], 0.1)
        phase = 2 * np.pi * np.cumsum(pitch * 2 ** (octaves_per_second * time)) / sample_rate
    if kind == "modulated":
        phase = phase + rng.uniform(0.5, 8.0) * np.sin(phase * rng.uniform(0.25, 4.0))
    partials = np.arange(1, rng.integers(1, 8, endpoint=True) + 1)
    stretch = partials ** rng.uniform(0.95, 1.15)
    weights = rng.random(len(partials)) / partials ** rng.uniform(0.3, 1.5)
    weights *= stretch * pitch < sample_rate / 2
    return np.asarray((weights[:, None] * np.sin(stretch[:, None] * phase)).sum(axis=0))


def resample(samples: Waveform, ratio: float) -> Waveform:
    """Play `samples` `ratio` times faster, by linear interpolation; pitch changes along."""
    moments = np.arange(0, len(samples) - 1, ratio)
    return np.asarray(np.interp(moments, np.arange(len(samples)), samples), dtype=np.float32)


def equalise(rng: np.random.Generator, samples: Waveform, gain: float, sample_rate: int) -> Waveform:
    """Filter with a random smooth curve of up to `gain` dB up or down in each octave."""
    length = fft.next_fast_len(len(samples), real=True)
    octaves = np.log2(np.maximum(fft.rfftfreq(length, 1 / sample_rate), 30.0) / 30.0)
    knots = np.arange(np.ceil(octaves[-1]) + 1)
    curve = np.interp(octaves, knots, rng.uniform(-gain, gain, len(knots)))
    spectrum = fft.rfft(samples, length) * amplitude(curve)
    return np.asarray(fft.irfft(spectrum, length)[: len(samples)], dtype=np.float32)


def reenvelope(rng: np.random.Generator, samples: Waveform, sample_rate: int) -> Waveform:
    """Shape the loudness anew: an attack of 2 to 300 ms, a decay of 50 ms to 3 s, a short fade out."""
    time = np.arange(len(samples)) / sample_rate
    attack = np.exp(rng.uniform(np.log(0.002), np.log(0.3)))
    decay = np.exp(rng.uniform(np.log(0.05), np.log(3.0)))
    fade = np.minimum((time[-1] - time) / 0.01, 1.0)
    return np.asarray(samples * np.minimum(time / attack, 1.0) * np.exp(-time / decay) * fade, dtype=np.float32)


def tremolo(rng: np.random.Generator, samples: Waveform, sample_rate: int) -> Waveform:
    """Change the loudness 3 to 20 times a second."""
    time = np.arange(len(samples)) / sample_rate
    rate, depth, phase = rng.uniform(3.0, 20.0), rng.uniform(0.3, 0.9), rng.uniform(0.0, 2 * np.pi)
    return np.asarray(samples * (1 - depth / 2 * (1 + np.sin(2 * np.pi * rate * time + phase))), dtype=np.float32)

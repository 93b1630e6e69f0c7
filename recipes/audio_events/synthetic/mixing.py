"""Soundscapes mixed from single sounds, with the exact truth.

A soundscape is a real background over which a few sounds start at random moments at a drawn signal-to-noise ratio.
Whatever is random comes from one generator: the same seed gives the same soundscape, bit for bit.

Units: seconds, decibels, hertz. Waveforms are mono float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from .levels import SILENCE_DB, Waveform, amplitude, level, window_levels
from .sounds import Sound


@final
@dataclass(frozen=True)
class Event:
    """One audible occurrence of a sound.

    Attributes:
        onset: start of the audible part, seconds.
        offset: end of the audible part, seconds.
        sound: name of the sound.
        family: family of the sound.
        snr: level of the audible part above the background, dB.
    """

    onset: float
    offset: float
    sound: str
    family: str
    snr: float


@final
@dataclass(frozen=True)
class Soundscape:
    """A mixture and its truth.

    Attributes:
        samples: waveform `(samples,)`, float32, within -1 and 1.
        events: what sounds in it, ordered by onset.
        levels: level of each event in each window `(events, windows)`, dB;
            `SILENCE_DB` outside its audible part.
        background: name of the background.
    """

    samples: Waveform
    events: tuple[Event, ...]
    levels: Float[np.ndarray, "events windows"]
    background: str


@final
@dataclass(frozen=True)
class Mix:
    """How soundscapes are mixed.

    Attributes:
        seconds: length of a soundscape.
        sample_rate: samples per second of every waveform.
        events: least and greatest number of events.
        snr: range of the level of an event above the background, dB.
        level: range of the level of the background, dB relative to full scale.
        audible: an event is audible while its level is less than this under its peak, dB.
        masked: and while it is less than this under the level of the background, dB.
        shortest: least time between an onset and the end of the soundscape, seconds.
        window: resolution of levels and of the truth, seconds.
    """

    seconds: float = 4.0
    sample_rate: int = 16_000
    events: tuple[int, int] = (3, 6)
    snr: tuple[float, float] = (-2.0, 10.0)
    level: tuple[float, float] = (-36.0, -22.0)
    audible: float = 30.0
    masked: float = 6.0
    shortest: float = 0.25
    window: float = 0.01

    def __post_init__(self) -> None:
        if not 1 <= self.events[0] <= self.events[1]:
            raise ValueError(f"events must be a range of at least one event, not {self.events}")
        if not 0 < self.window <= self.shortest < self.seconds:
            raise ValueError("need 0 < window <= shortest < seconds")
        if not -self.masked < self.snr[0] <= self.snr[1]:
            raise ValueError(
                f"snr must be a range above −{self.masked:g} dB, where the background masks an event, got {self.snr}; "
                "raise it, or raise masked"
            )

    @property
    def length(self) -> int:
        """Samples of a soundscape."""
        return round(self.seconds * self.sample_rate)

    @property
    def window_length(self) -> int:
        """Samples of a window."""
        return round(self.window * self.sample_rate)


def mix(
    seed: int | np.random.Generator,
    sounds: Sequence[Sound],
    backgrounds: Sequence[Sound],
    config: Mix,
) -> Soundscape:
    """Mix one soundscape.

    Args:
        seed: a seed, or a generator to draw from.
        sounds: what the events are drawn from, with replacement.
        backgrounds: what the background is drawn from.
        config: how to mix.
    """
    rng = np.random.default_rng(seed)
    background = backgrounds[int(rng.integers(len(backgrounds)))]
    floor = rng.uniform(*config.level)
    samples = loop(rng, background.samples, config.length)
    samples *= amplitude(floor - level(samples))
    count = int(rng.integers(config.events[0], config.events[1], endpoint=True))
    placed = [_place(rng, sounds[int(rng.integers(len(sounds)))], samples, floor, config) for _ in range(count)]
    placed.sort(key=lambda pair: pair[0].onset)
    peak = float(np.abs(samples).max())
    if peak > 1.0:
        samples /= peak
    return Soundscape(
        samples=samples,
        events=tuple(event for event, _ in placed),
        levels=np.stack([levels for _, levels in placed]),
        background=background.name,
    )


def _place(
    rng: np.random.Generator, sound: Sound, samples: Waveform, floor: float, config: Mix
) -> tuple[Event, Float[np.ndarray, " windows"]]:
    """Add `sound` to `samples` in place; return the event and its levels `(windows,)`."""
    window = config.window_length
    latest = (config.length - round(config.shortest * config.sample_rate)) // window
    start = int(rng.integers(latest, endpoint=True)) * window
    snr = rng.uniform(*config.snr)
    signal, raw, heard = audible_part(sound, config.length - start, floor, snr, config)
    samples[start : start + len(signal)] += signal
    levels = np.full(-(-config.length // window), SILENCE_DB, dtype=np.float32)
    first, last = start // window + heard.start, start // window + heard.stop
    levels[first:last] = raw[heard]
    end = min(last * config.window, config.seconds)
    return Event(first * config.window, end, sound.name, sound.family, snr), levels


def audible_part(
    sound: Sound, longest: int, floor: float, snr: float, config: Mix
) -> tuple[Waveform, Float[np.ndarray, " windows"], slice]:
    """A sound as it is mixed over a background of level `floor`: at most `longest` samples from where it is heard.

    Returns:
        The waveform, its levels `(windows,)` in dB, and the windows in which it is audible.
    """
    whole = window_levels(sound.samples, config.window_length)
    first = int(np.argmax(whole > whole.max() - config.audible))
    signal = sound.samples[first * config.window_length :][:longest]
    # The same windows again, but for the last of a sound that is cut off within one.
    raw = whole[first:] if len(signal) < longest else window_levels(signal, config.window_length)
    audible = raw > raw.max() - config.audible
    loudness = 10 * np.log10(np.mean(10 ** (raw[audible] / 10)))
    gain = floor + snr - loudness
    raw = raw + gain
    heard = np.flatnonzero(raw > max(raw.max() - config.audible, floor - config.masked))
    return np.asarray(signal * amplitude(gain)), raw, slice(int(heard[0]), int(heard[-1]) + 1)


def frame_labels(
    soundscape: Soundscape, centres: Float[np.ndarray, " frames"], config: Mix
) -> Int[np.ndarray, " frames"]:
    """Which event is the loudest at each moment.

    Args:
        soundscape: the mixture with its truth.
        centres: moments `(frames,)`, seconds.
        config: how it was mixed.

    Returns:
        `(frames,)`, int64: position of the event in `soundscape.events`, -1 for background.
    """
    last = soundscape.levels.shape[1] - 1
    windows = np.clip((centres / config.window).astype(np.int64), 0, last)
    levels = soundscape.levels[:, windows]
    return np.where(levels.max(axis=0) > SILENCE_DB, levels.argmax(axis=0), -1)


def loop(rng: np.random.Generator, samples: Waveform, length: int, overlap: int = 800) -> Waveform:
    """`length` samples from a random place of an endless, cross-faded repetition."""
    overlap = min(overlap, len(samples) // 2)
    fade = np.linspace(0.0, 1.0, overlap, dtype=np.float32)
    period = samples[: len(samples) - overlap].copy()
    period[:overlap] = fade * period[:overlap] + (1 - fade) * samples[len(samples) - overlap :]
    return np.take(period, np.arange(length) + rng.integers(len(period)), mode="wrap")

"""Soundscapes of any length, with the exact truth: as many events as in short ones, none cut by a border."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from .levels import Waveform, amplitude, level
from .mixing import Event, Mix, audible_part, loop
from .sounds import Sound


@final
@dataclass(frozen=True)
class LongSoundscape:
    """A mixture and its events, ordered by onset."""

    samples: Waveform
    events: tuple[Event, ...]


def long_mix(
    seed: int | np.random.Generator,
    sounds: Sequence[Sound],
    backgrounds: Sequence[Sound],
    config: Mix,
    seconds: float,
) -> LongSoundscape:
    """Mix one soundscape of some length; in every stretch of `config.seconds` begin as many events as `config` says.

    Args:
        seed: a seed, or a generator to draw from.
        sounds: what the events are drawn from, with replacement.
        backgrounds: what the background is drawn from; it is repeated.
        config: how to mix.
        seconds: length of the soundscape, in whole stretches.

    Raises:
        ValueError: if the length is no whole number of stretches.
    """
    stretches = round(seconds / config.seconds)
    if stretches < 1 or abs(stretches * config.seconds - seconds) > 1e-6:
        raise ValueError(f"seconds must be a whole number of stretches of {config.seconds} s, got {seconds}")
    rng = np.random.default_rng(seed)
    background = backgrounds[int(rng.integers(len(backgrounds)))]
    floor = rng.uniform(*config.level)
    samples = loop(rng, background.samples, stretches * config.length)
    samples *= amplitude(floor - level(samples))
    events = list[Event]()
    for stretch in range(stretches):
        for _ in range(int(rng.integers(*config.events, endpoint=True))):
            sound = sounds[int(rng.integers(len(sounds)))]
            events.append(_placed(rng, sound, samples, stretch * config.length, floor, config))
    peak = float(np.abs(samples).max())
    return LongSoundscape(samples / max(peak, 1.0), tuple(sorted(events, key=lambda event: event.onset)))


def _placed(rng: np.random.Generator, sound: Sound, samples: Waveform, begin: int, floor: float, config: Mix) -> Event:
    """Add `sound` to `samples` in place, within the stretch that begins at sample `begin`."""
    window = config.window_length
    start = begin + int(rng.integers(config.length // window)) * window
    latest = len(samples) - round(config.shortest * config.sample_rate)
    start = min(start, latest // window * window)
    snr = rng.uniform(*config.snr)
    signal, _, heard = audible_part(sound, len(samples) - start, floor, snr, config)
    samples[start : start + len(signal)] += signal
    onset, offset = (start / config.sample_rate + place * config.window for place in (heard.start, heard.stop))
    return Event(onset, min(offset, len(samples) / config.sample_rate), sound.name, sound.family, snr)

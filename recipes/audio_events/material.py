"""What a run trains on, and what it is tried on: shipped sounds with truth, or the user's recordings without."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from gestalt.core.items import AbstractItems, BadItemError, Skipped
from gestalt.core.transform import Views
from gestalt.modalities.audio import (
    Audio,
    AudioFiles,
    Recording,
    chain,
)
from gestalt.modalities.audio.effects import BackgroundMix, Gain, Noise
from gestalt.modalities.audio.views import FrequencyMask, TimeCrop, TimeMask

from .mixing import Mix, Soundscape
from .options import Options
from .soundscapes import Soundscapes, load_samples, recording
from .variety import Variety

SHOWN = 3  # recordings that the report shows
TEST_SEED = 1_000_000  # test soundscapes are the same for every run


@final
@dataclass(frozen=True)
class Material:
    """`tried` are the recordings that the learned network is tried on; `truth` are they with what is true of them."""

    items: AbstractItems[Recording]
    views: Views[Recording]
    tried: tuple[Recording, ...]
    names: tuple[str, ...]
    truth: tuple[Soundscape, ...]
    skipped: tuple[Skipped, ...]


def load_material(options: Options) -> Material:
    """Read or mix everything that the options ask for."""
    return _own(options) if options.data else _shipped(options)


def views(seconds: float, backgrounds: Sequence[Recording] = ()) -> Views[Recording]:
    """Two views of every recording: mild changes, since what changes too much is no longer the same sound."""
    crop = 0.7 * seconds
    steps = [(1.0, TimeCrop(crop, crop)), (1.0, Gain(-6.0, 6.0))]
    if backgrounds:
        steps.append((0.7, BackgroundMix(backgrounds, 0.0, 10.0)))
    steps += [(0.5, Noise(25.0, 50.0)), (0.5, FrequencyMask(0.1, 0.7)), (0.5, TimeMask(0.05, 0.16))]
    return Views(chain(), (chain(*steps),) * 2)


def _shipped(options: Options) -> Material:
    config = Mix(seconds=options.seconds)
    samples = load_samples()
    seed = options.training.seed
    sounds, backgrounds = samples.sounds, samples.backgrounds
    items = Soundscapes(options.soundscapes, seed, sounds.train, backgrounds.train, config, Variety())
    held_out = (sounds.validation, backgrounds.validation) if options.validate else (sounds.test, backgrounds.test)
    tests = Soundscapes(options.test_soundscapes, TEST_SEED, *held_out, config)
    truth = tuple(tests.soundscape(index) for index in range(len(tests)))
    behind = [Recording(torch.from_numpy(sound.samples), config.sample_rate) for sound in backgrounds.train]
    return Material(
        items,
        views(options.seconds, behind),
        tuple(recording(scape, config) for scape in truth),
        tuple(tests.name(index) for index in range(len(tests))),
        truth,
        (),
    )


def _own(options: Options) -> Material:
    reading = Audio(seconds=options.seconds).read(options.data, options.skip_bad)
    files = reading.items
    assert isinstance(files, AudioFiles)
    tried: dict[int, Recording] = {}
    skipped = list(reading.skipped)
    for start in np.linspace(0, len(files) - 1, SHOWN).round().astype(int).tolist():
        place, item = _readable(files, start, skipped if options.skip_bad else None)
        tried[place] = item
    return Material(
        files.with_jitter(True),
        views(options.seconds),
        tuple(tried.values()),
        tuple(files.name(place) for place in tried),
        (),
        tuple(dict.fromkeys(skipped)),
    )


def _readable(files: AudioFiles, start: int, skipped: list[Skipped] | None) -> tuple[int, Recording]:
    """The first window from `start` on that can be read; the others are added to `skipped`, without it they are errors.

    Raises:
        BadItemError: if there is none.
    """
    for distance in range(len(files)):
        place = (start + distance) % len(files)
        try:
            return place, files.read(place, np.random.default_rng(0))
        except BadItemError as error:
            if skipped is None:
                raise
            skipped.append(Skipped(error.name, error.reason))
    raise BadItemError(files.name(start), "no window of any file can be read")

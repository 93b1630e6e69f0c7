"""What a run trains on, and what it is tried on: shipped sounds with truth, or the user's recordings without."""

from collections.abc import Sequence

import torch

from gestalt.core.experiment import ExperimentData, readable
from gestalt.core.modality.transform import Views
from gestalt.modalities.audio import Audio, AudioFiles, Recording, chain
from gestalt.modalities.audio.effects import BackgroundMix, Gain, Noise
from gestalt.modalities.audio.views import FrequencyMask, TimeCrop, TimeMask

from .mixing import Mix, Soundscape
from .options import Options
from .soundscapes import Soundscapes, load_samples, recording
from .variety import Variety

TEST_SEED = 1_000_000  # test soundscapes are the same for every run


def load_material(options: Options) -> ExperimentData[Recording, tuple[Soundscape, ...]]:
    """Read or mix everything that the options ask for."""
    return _own(options) if options.running.data else _shipped(options)


def views(seconds: float, backgrounds: Sequence[Recording] = ()) -> Views[Recording]:
    """Two views of every recording: mild changes, since what changes too much is no longer the same sound."""
    crop = 0.7 * seconds
    steps = [(1.0, TimeCrop(crop, crop)), (1.0, Gain(-6.0, 6.0))]
    if backgrounds:
        steps.append((0.7, BackgroundMix(backgrounds, 0.0, 10.0)))
    steps += [(0.5, Noise(25.0, 50.0)), (0.5, FrequencyMask(0.1, 0.7)), (0.5, TimeMask(0.05, 0.16))]
    return Views(chain(), (chain(*steps),) * 2)


def _shipped(options: Options) -> ExperimentData[Recording, tuple[Soundscape, ...]]:
    config = Mix(seconds=options.seconds)
    samples = load_samples()
    seed = options.training.seed
    sounds, backgrounds = samples.sounds, samples.backgrounds
    items = Soundscapes(options.soundscapes, seed, sounds.train, backgrounds.train, config, Variety())
    held_out = (
        (sounds.validation, backgrounds.validation) if options.running.validate else (sounds.test, backgrounds.test)
    )
    tests = Soundscapes(options.test_soundscapes, TEST_SEED, *held_out, config)
    truth = tuple(tests.soundscape(index) for index in range(len(tests)))
    behind = [Recording(torch.from_numpy(sound.samples), config.sample_rate) for sound in backgrounds.train]
    return ExperimentData(
        items,
        views(options.seconds, behind),
        tuple(recording(scape, config) for scape in truth),
        tuple(tests.name(index) for index in range(len(tests))),
        truth,
        [[(event.sound, (event.onset, event.offset)) for event in scape.events] for scape in truth],
        label=lambda index: longest_family(items.soundscape(index)),
    )


def longest_family(scape: Soundscape) -> str | None:
    """The class of a soundscape: the family of the sound that lasts longest in it; None without sounds."""
    events = sorted(scape.events, key=lambda event: event.onset - event.offset)
    return events[0].family if events else None


def _own(options: Options) -> ExperimentData[Recording, tuple[Soundscape, ...]]:
    running = options.running
    reading = Audio(seconds=options.seconds).read(running.data, running.skip_bad)
    files = reading.items
    assert isinstance(files, AudioFiles)
    skipped = list(reading.skipped)
    tried = readable(files, skipped if running.skip_bad else None)
    return ExperimentData(
        files.with_jitter(True),
        views(options.seconds),
        tuple(tried.values()),
        tuple(files.name(place) for place in tried),
        None,
        skipped=tuple(dict.fromkeys(skipped)),
    )

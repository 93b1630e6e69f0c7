"""Varied one-shot sounds."""

from collections.abc import Sequence

import numpy as np
import torch

from gestalt.core.modality.transform import Views
from gestalt.modalities.audio import MODALITY, Recording, chain
from gestalt.modalities.audio.effects import Gain, Noise
from gestalt.modalities.audio.views import FrequencyMask, TimeCrop, TimeMask

from ...audio_events.synthetic.sounds import Sound
from ...audio_events.synthetic.soundscapes import load_samples
from ...audio_events.synthetic.variety import Variety, vary
from ..labelled_data import LabelledData

TEST_SEED = 1_000_000  # test sounds are the same for every run
RATE, SECONDS = 16_000, 1.5

FAMILIES = ("bass", "bd", "drum", "elec", "tabla")
"""Families with enough sounds to learn from some and be tested on others."""


def sounds(seed: int, items: int = 800, test_items: int = 280) -> LabelledData:
    """To which family does a sound belong that was never heard?"""
    split = load_samples().sounds
    recordings, labels = of_families(split.train, items, seed)
    test, test_labels = of_families(split.test, test_items, TEST_SEED)
    return LabelledData(
        name="audio",
        question="the family of a sound that was never heard",
        classes=FAMILIES,
        modality=MODALITY,
        views=views(),
        items=recordings,
        labels=torch.tensor(labels),
        test_items=test,
        test_labels=torch.tensor(test_labels),
    )


def views() -> Views[Recording]:
    """Two views of every sound: another second of it, louder or softer, with noise and masks."""
    steps = [(1.0, TimeCrop(1.0, 1.0)), (1.0, Gain(-6.0, 6.0)), (0.5, Noise(25.0, 50.0))]
    view = chain(*steps, (0.5, FrequencyMask(0.1, 0.5)), (0.5, TimeMask(0.05, 0.16)))
    return Views(chain(), (view, view))


def of_families(sources: Sequence[Sound], count: int, start: int) -> tuple[list[Recording], list[int]]:
    """Sounds made of those of the families, by turns, and the number of the family of each."""
    variety = Variety(ratio=(0.8, 1.25), gain=6.0, reverse=0.0, synthesised=0.0, longest=SECONDS)
    known = [sound for sound in sources if sound.family in FAMILIES]
    rng = np.random.default_rng(start)
    recordings, labels = [], []
    for number in range(count):
        sound = known[number % len(known)]
        recordings.append(of_length(vary(rng, sound, variety, RATE)))
        labels.append(FAMILIES.index(sound.family))
    return recordings, labels


def of_length(sound: Sound) -> Recording:
    """A sound as a recording of the length that all have here, with silence behind it."""
    samples = np.zeros(round(RATE * SECONDS), dtype=np.float32)
    kept = sound.samples[: len(samples)]
    samples[: len(kept)] = kept
    return Recording(torch.from_numpy(samples), RATE)

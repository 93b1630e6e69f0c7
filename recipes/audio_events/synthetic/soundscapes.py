"""Soundscapes as items to train on and to test with."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import final

import numpy as np
import torch

from gestalt.core.data.items import AbstractItems
from gestalt.modalities.audio import Recording

from .mixing import Mix, Soundscape, mix
from .sounds import Sound, Split, load_sounds, split_sounds
from .variety import Variety, varied

SPLIT_SEED = 0  # which sounds are for testing is a property of the data, the same for every run
TEST_SOUNDS, VALIDATION_SOUNDS = 35, 14
TEST_BACKGROUNDS, VALIDATION_BACKGROUNDS = 3, 3


@final
@dataclass(frozen=True)
class Samples:
    """The sounds and backgrounds that ship with the package, each split by source."""

    sounds: Split
    backgrounds: Split


def load_samples() -> Samples:
    """Read the shipped sounds; no sound or background of one part is in another."""
    with as_file(files("gestalt.recipes") / "samples" / "audio") as folder:
        sounds, backgrounds = load_sounds(folder, "event"), load_sounds(folder, "background")
    return Samples(
        split_sounds(sounds, SPLIT_SEED, TEST_SOUNDS, VALIDATION_SOUNDS),
        split_sounds(backgrounds, SPLIT_SEED, TEST_BACKGROUNDS, VALIDATION_BACKGROUNDS),
    )


def recording(soundscape: Soundscape, config: Mix) -> Recording:
    """A soundscape as an item of the audio modality."""
    return Recording(torch.from_numpy(soundscape.samples), config.sample_rate)


@final
class Soundscapes(AbstractItems[Recording]):
    """Numbered soundscapes: number `i` is always the same one, mixed when it is read.

    Args:
        count: how many there are.
        seed: they all follow from it.
        sounds: what the events are drawn from.
        backgrounds: what the background is drawn from.
        config: how they are mixed.
        variety: where given, `bank` new sounds are made of the sounds first, and events are drawn from these.
        bank: number of new sounds.
    """

    def __init__(
        self,
        count: int,
        seed: int,
        sounds: Sequence[Sound],
        backgrounds: Sequence[Sound],
        config: Mix,
        variety: Variety | None = None,
        bank: int = 2000,
    ) -> None:
        self.count = count
        self.seed = seed
        self.backgrounds = tuple(backgrounds)
        self.config = config
        self.sounds = tuple(sounds)
        if variety is not None:
            rng = np.random.default_rng([seed, 0])
            self.sounds = varied(rng, self.sounds, bank, variety, config.sample_rate)

    def __len__(self) -> int:
        return self.count

    def soundscape(self, index: int) -> Soundscape:
        """Number `index` with its truth."""
        rng = np.random.default_rng([self.seed, 1, index])
        return mix(rng, self.sounds, self.backgrounds, self.config)

    def read(self, index: int, rng: np.random.Generator) -> Recording:  # noqa: ARG002
        """Number `index` as an item."""
        return recording(self.soundscape(index), self.config)

    def name(self, index: int) -> str:
        """What to call it."""
        return f"soundscape {index + 1}"

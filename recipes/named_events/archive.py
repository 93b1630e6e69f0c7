"""Soundscapes as files, with the truth beside them: an archive, and recordings that are held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np
import soundfile

from gestalt.core.data.items import AbstractItems
from gestalt.core.data.masks import AbstractMasks
from gestalt.core.storage.atomic import write_text
from gestalt.modalities.audio import MODALITY, Recording

from ..audio_events.synthetic.long import LongSoundscape, long_mix
from ..audio_events.synthetic.mixing import Mix
from ..audio_events.synthetic.soundscapes import load_samples

Sounds = Literal["test", "validation"]
Part = Literal["archive", "held-out"]
SECONDS = 60.0
"""Of one recording."""
SPARSE = Mix(events=(1, 2))
"""One or two events begin in every four seconds, and more may overlap."""


@final
@dataclass(frozen=True)
class Archive:
    """A folder with the recordings `archive` and `held-out`, and tables of their true events, `archive.tsv` and so on.

    Attributes:
        folder: holds them.
        sounds: which of the shipped sounds they are mixed of; neither is heard by the recipe audio-events in training.
        minutes: recordings in the archive, of a minute each.
        held_out: recordings that are held out.
        seed: everything random follows from it.
    """

    folder: Path
    sounds: Sounds = "test"
    minutes: int = 60
    held_out: int = 20
    seed: int = 0

    def write(self) -> None:
        """Mix and write everything that is not there yet."""
        for part, count in (("archive", self.minutes), ("held-out", self.held_out)):
            if (self.folder / f"{part}.tsv").is_file():
                continue
            (self.folder / part).mkdir(parents=True, exist_ok=True)
            rows = ["filename\tonset\toffset\tevent_label"]
            for number in range(count):
                scape = self._mixed(part == "held-out", number)
                soundfile.write(self.folder / part / f"{number:03d}.wav", scape.samples, SPARSE.sample_rate)
                rows += [
                    f"{number:03d}.wav\t{event.onset:.2f}\t{event.offset:.2f}\t{event.sound}" for event in scape.events
                ]
            write_text(self.folder / f"{part}.tsv", "\n".join(rows) + "\n")  # last: what lacks it is not complete

    def items(self, part: Part) -> AbstractItems[Recording]:
        """The windows of the recordings."""
        return MODALITY.read([self.folder / part]).items

    def truth(self, part: Part, items: AbstractItems[Recording]) -> AbstractMasks[Recording]:
        """What sounds in them, by name."""
        return MODALITY.read_masks(self.folder / f"{part}.tsv", items)

    def _mixed(self, held_out: bool, number: int) -> LongSoundscape:
        samples = load_samples()
        sounds, backgrounds = getattr(samples.sounds, self.sounds), getattr(samples.backgrounds, self.sounds)
        rng = np.random.default_rng([self.seed, int(held_out), number])
        return long_mix(rng, sounds, backgrounds, SPARSE, SECONDS)


def paths(archive: Archive, part: Part) -> Sequence[Path]:
    """The files of a part, in order."""
    return sorted((archive.folder / part).glob("*.wav"))

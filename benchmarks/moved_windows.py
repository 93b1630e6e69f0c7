"""Windows of a recording that begin elsewhere, and nothing else: what is found must not depend on it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.windows import InContext, Sight, beginning_before
from gestalt.core.runs.model import Model
from gestalt.core.runs.stretches import Sounding
from gestalt.modalities.audio import AudioFiles, Recording
from gestalt.modalities.audio.data import CONTEXT
from gestalt.modalities.audio.reading import decode


@final
@dataclass(frozen=True)
class Moved(AbstractItems[Recording]):
    """The windows of one file, of which the first is `first` seconds long, so that all others begin elsewhere."""

    files: AudioFiles
    first: float

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.files.sample_rate

    def bounds(self, index: int) -> tuple[float, float]:
        """Where a window begins and ends in the file."""
        begins = [0.0, *(self.first + self.files.seconds * number for number in range(len(self)))]
        return begins[index], min(begins[index + 1], self.files.headers[0].seconds)

    def __len__(self) -> int:
        return 1 + math.ceil((self.files.headers[0].seconds - self.first) / self.files.seconds)

    def path(self, index: int) -> Path:  # noqa: ARG002
        """The file."""
        return self.files.path(0)

    def name(self, index: int) -> str:
        return str(self.bounds(index))

    def whole(self, index: int) -> range:  # noqa: ARG002
        """All windows."""
        return range(len(self))

    def read(self, index: int, rng: np.random.Generator) -> Recording:  # noqa: ARG002
        return self.read_in_context(index, Sight()).item

    def read_in_context(self, index: int, sight: Sight) -> InContext[Recording]:
        """A window, and as much around it as the network sees, a second at least."""
        (begin, end), margin = self.bounds(index), max(CONTEXT, sight.reach)
        start = beginning_before(begin, margin, float(self.rate), sight.steps) / self.rate
        samples = decode(self.files.paths[0], self.files.headers[0], start, end + margin - start, self.rate)
        own = samples[round((begin - start) * self.rate) : round((end - start) * self.rate)]
        return InContext(
            Recording(own, self.rate, begin), Recording(samples, self.rate, start), (begin - start, end - start)
        )


def events_of_moved_windows(model: Model[Recording], path: Path, first: float) -> list[tuple[float, float]]:
    """Onset and offset of what is found in a file whose windows, and nothing else, begin elsewhere."""
    files = model.modality.read([path]).items
    assert isinstance(files, AudioFiles)
    items, sounding = Moved(files, first), Sounding()
    for batch in model.found(items):
        times = batch.features.grid
        assert times is not None
        sounding.hear(batch.labels()[0], batch.features, 0, times.edges[0][0].double() + batch.items[0].start, path)
    return [(max(0.0, event.onset), event.offset) for event in sounding.events()]

"""Events in recordings from the objects of their windows: times, and kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap

MOST_KINDS = 12
TOUCHING = 1e-3  # seconds: frames of neighbouring windows that are no further apart follow one another


@final
@dataclass(frozen=True)
class Event:
    """One event: its file, its times in seconds, and its vector."""

    file: Path
    onset: float
    offset: float
    vector: Float[Tensor, " dim"]


@final
class Sounding:
    """The events of files, heard window after window: an unbroken stretch of one object is one event.

    A stretch that goes on in the next window, from where the last one ends, is the same one.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._numbers: list[int] = []
        self._frames: list[int] = []

    def hear(
        self,
        labels: Int[Tensor, " elements"],
        features: FeatureMap,
        row: int,
        times: Float[Tensor, " bounds"],
        file: Path,
    ) -> None:
        """One window.

        Args:
            labels: the object of every frame, by its number in the file; −1 for none.
            features: those of the window's batch.
            row: of the window in it.
            times: where frames begin and end in the file, in seconds.
            file: where the window lies.
        """
        runs, lengths = labels.unique_consecutive(return_counts=True)
        ends = lengths.cumsum(0)
        for number, length, end in zip(runs.tolist(), lengths.tolist(), ends.tolist(), strict=True):
            if number >= 0:
                vector = features.values[row, end - length : end].float().mean(dim=0)
                self._add(number, length, Event(file, float(times[end - length]), float(times[end]), vector))

    def _add(self, number: int, frames: int, event: Event) -> None:
        before = self._events[-1] if self._events else None
        goes_on = before is not None and before.file == event.file and abs(before.offset - event.onset) < TOUCHING
        if before is not None and goes_on and self._numbers[-1] == number:
            share = frames / (self._frames[-1] + frames)
            vector = torch.lerp(before.vector, event.vector, share)
            self._events[-1] = Event(event.file, before.onset, event.offset, vector)
            self._frames[-1] += frames
        else:
            self._events.append(event)
            self._numbers.append(number)
            self._frames.append(frames)

    def events(self) -> list[Event]:
        """All events so far, file by file and in order of time."""
        return list(self._events)


def kinds_of(events: Sequence[Event]) -> list[str]:
    """A kind for every event: k-means over the vectors, with the number of kinds of the best silhouette."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    if len(events) < 4:
        return ["object_1"] * len(events)
    vectors = _standardised(torch.stack([event.vector for event in events])).numpy()
    best, labels = -1.0, np.zeros(len(events), dtype=int)
    for kinds in range(2, min(MOST_KINDS, len(events) - 1) + 1):
        found = KMeans(kinds, n_init=4, random_state=0).fit_predict(vectors)  # pyright: ignore[reportArgumentType]
        if len(set(found.tolist())) < 2:
            continue
        score = silhouette_score(vectors, found, sample_size=min(2000, len(events)), random_state=0)
        if score > best:
            best, labels = float(score), found
    return [f"object_{number + 1}" for number in labels]


def _standardised(vectors: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows dim"]:
    return (vectors - vectors.mean(dim=0)) / vectors.std(dim=0, correction=0).clamp(min=1e-6)

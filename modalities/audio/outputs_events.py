"""Events in recordings from the objects of their windows: times, joining across borders, kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation

MOST_KINDS = 12
ALIKE = 0.5  # cosine of standardised vectors from which two halves of a cut event are taken for one


@final
@dataclass(frozen=True)
class Event:
    """One event: its file, its times in seconds, and its vector."""

    file: Path
    onset: float
    offset: float
    vector: Float[Tensor, " dim"]


def events_of(
    labels: Int[Tensor, " elements"], features: FeatureMap, row: int, times: Float[Tensor, " bounds"], file: Path
) -> list[Event]:
    """The events of one window: every unbroken stretch of an object is one.

    Args:
        labels: the object of every frame.
        features: those of the window's batch.
        row: of the window in it.
        times: where frames begin and end in the file, in seconds.
        file: where the window lies.
    """
    objects = max(int(labels.max()) + 1, 1)
    one = FeatureMap(features.values[row : row + 1], features.valid[row : row + 1], features.grid)
    vectors = Segmentation.from_labels(labels[None], objects, features.grid).pool(one).vectors[0]
    numbers, lengths = labels.unique_consecutive(return_counts=True)
    ends = lengths.cumsum(0)
    return [
        Event(file, float(times[end - length]), float(times[end]), vectors[number])
        for number, length, end in zip(numbers.tolist(), lengths.tolist(), ends.tolist(), strict=True)
        if number >= 0
    ]


def joined(events: Sequence[Event], seconds: float) -> list[Event]:
    """Join events that the border between two windows of `seconds` cut: they meet there and their vectors are alike."""
    if not events:
        return []
    vectors = _standardised(torch.stack([event.vector for event in events]))
    result = [events[0]]
    for before, event, left, right in zip(events, events[1:], vectors, vectors[1:], strict=False):
        meets = before.file == event.file and abs(before.offset - event.onset) < 1e-3
        border = abs(event.onset / seconds - round(event.onset / seconds)) * seconds < 1e-3
        if meets and border and float(torch.cosine_similarity(left, right, dim=0)) > ALIKE:
            result[-1] = Event(event.file, result[-1].onset, event.offset, (before.vector + event.vector) / 2)
        else:
            result.append(event)
    return result


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

"""Events in recordings from the objects of their windows: times, and kinds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..discovery.found import Named

MOST_KINDS = 12
SLIVER = 2  # frames that see one sudden change, if it lies between them
BRIEF = 0.08  # seconds: so many frames that last no longer are no event beside another
TOUCHING = 1e-3  # seconds: frames of neighbouring windows that are no further apart follow one another


@final
@dataclass(frozen=True)
class Event:
    """One event: its file, its times in seconds, its vector; what a model calls it, and how sure that is."""

    file: Path
    onset: float
    offset: float
    vector: Float[Tensor, " dim"]
    name: str = ""
    score: float = 1.0


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
        named: Named | None = None,
    ) -> None:
        """One window.

        Args:
            labels: the object of every frame, by its number in the file; −1 for none.
            features: those of the window's batch.
            row: of the window in it.
            times: where frames begin and end in the file, in seconds.
            file: where the window lies.
            named: what objects are called.
        """
        runs, lengths = labels.unique_consecutive(return_counts=True)
        ends = lengths.cumsum(0)
        for number, length, end in zip(runs.tolist(), lengths.tolist(), ends.tolist(), strict=True):
            if number >= 0:
                vector = features.values[row, end - length : end].float().mean(dim=0)
                event = Event(file, float(times[end - length]), float(times[end]), vector)
                if named is not None:
                    score = float(named.scores[row, end - length : end].mean())
                    event = replace(event, name=named.name(number), score=score)
                self._add(number, length, event)

    def _add(self, number: int, frames: int, event: Event) -> None:
        before = self._events[-1] if self._events else None
        if before is not None and _touch(before, event) and self._numbers[-1] == number:
            share = frames / (self._frames[-1] + frames)
            vector = torch.lerp(before.vector, event.vector, share)
            score = before.score + share * (event.score - before.score)
            self._events[-1] = replace(before, offset=event.offset, vector=vector, score=score)
            self._frames[-1] += frames
        else:
            self._events.append(event)
            self._numbers.append(number)
            self._frames.append(frames)

    def events(self) -> list[Event]:
        """All events so far, file by file and in order of time.

        The one or two frames in which a sound sets in or breaks off are like neither side, and often one or two
        stretches of their own: they belong to the event that they touch, of two to the one that is more like them.
        """
        groups = self._groups()
        joined = list[Event]()
        onset: float | None = None  # where the event to come begins
        for place, group in enumerate(groups):
            before = joined[-1] if place and not groups[place - 1].short and _touch(joined[-1], group.first) else None
            after = groups[place + 1].first if place + 1 < len(groups) and not groups[place + 1].short else None
            after = after if after is not None and _touch(group.last, after) else None
            if group.short and (before is not None or after is not None):
                if after is None or (before is not None and _apart(before, group.first) <= _apart(after, group.last)):
                    joined[-1] = replace(joined[-1], offset=group.last.offset)
                else:
                    onset = group.first.onset
                continue
            joined += [group.first if onset is None else replace(group.first, onset=onset), *group.events[1:]]
            onset = None
        return joined

    def _groups(self) -> list["_Group"]:
        """Every event alone, but for those that touch and are as short together as one sudden change."""
        groups = list[_Group]()
        for event, frames in zip(self._events, self._frames, strict=True):
            if groups and _touch(groups[-1].last, event):
                both = _Group((*groups[-1].events, event), groups[-1].frames + frames)
                if both.short:
                    groups[-1] = both
                    continue
            groups.append(_Group((event,), frames))
        return groups


@final
@dataclass(frozen=True)
class _Group:
    """Events that follow one another, and how many frames they last."""

    events: tuple[Event, ...]
    frames: int

    @property
    def first(self) -> Event:
        return self.events[0]

    @property
    def last(self) -> Event:
        return self.events[-1]

    @property
    def short(self) -> bool:
        """Whether it may be the frames that see one sudden change."""
        return self.frames <= SLIVER and self.last.offset - self.first.onset <= BRIEF


def _touch(event: Event, after: Event) -> bool:
    return event.file == after.file and abs(event.offset - after.onset) < TOUCHING


def _apart(event: Event, other: Event) -> float:
    return float((event.vector - other.vector).norm())


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

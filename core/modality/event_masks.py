"""Labelled events of files in time as masks: every event is an object."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float

from ..data.feature_map import Grid
from ..data.masks import AbstractMasks, ItemMasks
from .event_tables import events_in_table
from .labelled_events import APART, LabelledEvent
from .pairing import NamedFiles

STEP, CELLS = 0.02, 4096
"""Seconds of the longest cell of an event, unless a window of that length had more cells than this."""
SLACK = 0.1
"""Seconds by which an event may outlast its file: tables are rounded, and lengths of some formats are guessed."""


@runtime_checkable
class Windowed(Protocol):
    """Numbered windows of files."""

    def place(self, index: int) -> tuple[int, int]:
        """The number of the file of window `index`, and that of the window in it."""
        ...


@runtime_checkable
class Stretch(Protocol):
    """An item that is a stretch of a file in time."""

    @property
    def start(self) -> float:
        """Where it begins in its file, in seconds."""
        ...

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        ...


StretchT = TypeVar("StretchT", bound=Stretch)


def events_of_table(path: Path, files: NamedFiles) -> dict[int, list[LabelledEvent]]:
    """The events of a table by the number of their file; a file that is named without times has none.

    Raises:
        ValueError: if it is no such table, or names a file that there is not.
    """
    rows = events_in_table(path)
    known = files.all_known([(name, str(path)) for name, _ in rows])
    events = {number: list[LabelledEvent]() for number in known.values() if number is not None}
    for name, event in rows:
        number = known[name]
        if number is not None and event is not None:
            events[number].append(event)
    files.refuse_if_none(events, str(path))
    return events


@final
@dataclass(frozen=True)
class EventMasks(AbstractMasks[StretchT], Generic[StretchT]):
    """Every event is an object, named by its label. Where some overlap, the shorter is on top, and of two of one length
    the later; what lies in none is no object.
    """

    files: Windowed
    events: Mapping[int, tuple[LabelledEvent, ...]]
    unused: tuple[str, ...] = ()

    def has(self, index: int) -> bool:
        """Whether there are events for the file."""
        return self.files.place(index)[0] in self.events

    def of_item(self, index: int, item: StretchT) -> ItemMasks | None:
        """The events within a window, wherever it begins."""
        events = self.events.get(self.files.place(index)[0])
        if events is None:
            return None
        inside = [
            (max(0.0, event.onset - item.start), min(item.seconds, event.offset - item.start), event)
            for event in events
            if event.offset - item.start > APART and item.seconds - (event.onset - item.start) > APART
        ]
        inside.sort(key=lambda one: (one[2].onset - one[2].offset, one[2].onset))
        edges = _edges(item.seconds, [bound for onset, offset, _ in inside for bound in (onset, offset)])
        middles = (edges[1:] + edges[:-1]) / 2
        labels = np.full(len(middles), -1)
        for number, (onset, offset, _) in enumerate(inside):
            labels[(middles > onset) & (middles < offset)] = number
        grid = Grid((torch.from_numpy(edges).float()[None],))
        return ItemMasks(torch.from_numpy(labels), grid, tuple(event.name for _, _, event in inside))


def _edges(seconds: float, bounds: Iterable[float]) -> Float[np.ndarray, " edges"]:
    """Where cells begin and end: where an event does, and every few hundredths of a second between."""
    step = max(STEP, seconds / CELLS)
    seconds = max(seconds, 2 * APART)
    exact = np.unique([0.0, seconds, *bounds])
    exact = exact[np.concatenate([[True], np.diff(exact) > APART])]
    exact[-1] = seconds
    regular = np.arange(1, math.ceil(seconds / step)) * step
    place = np.searchsorted(exact, regular).clip(1, len(exact) - 1)
    free = np.minimum(regular - exact[place - 1], exact[place] - regular) > APART
    return np.sort(np.concatenate([exact, regular[free]]))


def refuse_outside(events: Iterable[LabelledEvent], seconds: float, path: Path) -> None:
    """Refuse events that end after their file does.

    Raises:
        ValueError: for the first one.
    """
    for event in events:
        if event.offset > 1.01 * seconds + SLACK:
            raise ValueError(
                f"{event.source}: an event ends at {event.offset:g} s, and {path} lasts {seconds:.1f} s; "
                "is it the track of another recording, or in another unit?"
            )


def shown_events(item: Stretch, masks: ItemMasks) -> list[tuple[str, Any]]:
    """Each event with its onset and offset in seconds of the item; one that others interrupt has several.

    Raises:
        ValueError: for the masks of a set.
    """
    if masks.grid is None:
        raise ValueError("events lie on seconds, got the masks of a set")
    edges, labels = masks.grid.edges[0][0].tolist(), masks.labels.view(masks.grid.shape[0], -1)
    events: list[tuple[str, Any]] = []
    for number in masks.objects():
        sounding = [False, *(labels == number).any(dim=1).tolist(), False]
        begins = [place for place in range(len(edges)) if sounding[place + 1] and not sounding[place]]
        ends = [place for place in range(len(edges)) if sounding[place] and not sounding[place + 1]]
        stretches = zip(begins, ends, strict=True)
        events += [(masks.name(number), (edges[begin], min(edges[end], item.seconds))) for begin, end in stretches]
    return events

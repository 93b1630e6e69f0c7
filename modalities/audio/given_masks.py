"""Events that come with recordings: label tracks of Audacity, Raven, Praat and ELAN, or tables as DCASE has them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.modality.pairing import NamedFiles, files_below, must_exist, unreadable_masks

from .data import AudioFiles, Recording
from .event_tables import events_in_table
from .label_tracks import SUFFIXES, events_of_track, recording_of
from .labelled_events import APART, LabelledEvent

ACCEPTED = (
    "a folder of Audacity's label tracks, Raven's, Praat's or ELAN's (.txt, .TextGrid, .eaf), named like the "
    "recordings, one such track, "
    "or a table of events (.tsv, .csv) with the columns filename, onset, offset and event_label"
)
STEP, CELLS = 0.02, 4096
"""Seconds of the longest cell of an event, unless a window of that length had more cells than this."""
SLACK = 0.1
"""Seconds by which an event may outlast its recording: tables are rounded, and lengths of some formats are guessed."""


def read_masks(
    path: Path, items: AbstractItems[Recording], skipped: Sequence[Skipped] = ()
) -> AbstractMasks[Recording]:
    """The events of audio files.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is of neither format, an event is none or lies outside its recording, or the path names a
            recording that there is not; or if the recordings are no files.
    """
    must_exist(path)
    if not isinstance(items, AudioFiles):
        raise ValueError(f"events belong to recordings by the names of files, and these are no files: {items.name(0)}")
    files = NamedFiles(items.paths, skipped)
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        tracks = files_below(path, SUFFIXES) if path.is_dir() else [(path.stem, path)]
        named = [(recording_of(name), track) for name, track in tracks]
        pairs = files.paired(named, lambda track: f"the label track {track}")
        events = {number: events_of_track(track) for number, track in pairs.items()}
    elif path.suffix.lower() in (".tsv", ".csv"):
        rows = events_in_table(path)
        known = files.all_known([(name, str(path)) for name, _ in rows])
        events = {number: list[LabelledEvent]() for number in known.values() if number is not None}
        for name, event in rows:
            number = known[name]
            if number is not None and event is not None:
                events[number].append(event)
        files.refuse_if_none(events, str(path))
    else:
        raise unreadable_masks(path, ACCEPTED)
    if not events:
        raise unreadable_masks(path, ACCEPTED)
    for number, own in events.items():
        _refuse_outside(own, items.headers[number].seconds, items.paths[number])
    return EventMasks(items, {number: tuple(own) for number, own in events.items()}, files.unused)


@final
@dataclass(frozen=True)
class EventMasks(AbstractMasks[Recording]):
    """Every event is an object, named by its label. Where some overlap, the shorter is on top, and of two of one length
    the later; what lies in none is no object.
    """

    files: AudioFiles
    events: Mapping[int, tuple[LabelledEvent, ...]]
    unused: tuple[str, ...] = ()

    def has(self, index: int) -> bool:
        """Whether there is a track for the file."""
        return self.files.place(index)[0] in self.events

    def of_item(self, index: int, item: Recording) -> ItemMasks | None:
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


def _refuse_outside(events: Iterable[LabelledEvent], seconds: float, path: Path) -> None:
    for event in events:
        if event.offset > 1.01 * seconds + SLACK:
            raise ValueError(
                f"{event.source}: an event ends at {event.offset:g} s, and {path} lasts {seconds:.1f} s; "
                "is it the track of another recording, or in another unit?"
            )


def shown_masks(item: Recording, masks: ItemMasks) -> list[tuple[str, tuple[float, float]]]:
    """Each event with its onset and offset in seconds of the item; one that others interrupt has several."""
    if masks.grid is None:
        raise ValueError("events lie on seconds, got the masks of a set")
    edges, labels = masks.grid.edges[0][0].tolist(), masks.labels.view(masks.grid.shape[0], -1)
    events: list[tuple[str, tuple[float, float]]] = []
    for number in masks.objects():
        sounding = [False, *(labels == number).any(dim=1).tolist(), False]
        begins = [place for place in range(len(edges)) if sounding[place + 1] and not sounding[place]]
        ends = [place for place in range(len(edges)) if sounding[place] and not sounding[place + 1]]
        stretches = zip(begins, ends, strict=True)
        events += [(masks.name(number), (edges[begin], min(edges[end], item.seconds))) for begin, end in stretches]
    return events

"""Events that come with recordings: Audacity's label tracks, or tables as the DCASE challenge has them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.modality.pairing import NamedFiles, files_below, must_exist, unreadable_masks
from gestalt.core.storage.csv_file import meant
from gestalt.core.tables.layout import Layout
from gestalt.core.tables.lines import Line, lines_of
from gestalt.core.tables.rows import table_of

from .data import AudioFiles, Recording

ACCEPTED = (
    "a folder of Audacity's label tracks (.txt) named like the recordings, one such track, or a table of events (.tsv, "
    ".csv) with the columns filename, onset, offset and event_label"
)
STEP, CELLS = 0.02, 4096
"""Seconds of the longest cell of an event, unless a window of that length had more cells than this."""
APART = 1e-4
"""Seconds: ends of events that are nearer to each other are one."""
SLACK = 0.1
"""Seconds by which an event may outlast its recording: tables are rounded, and lengths of some formats are guessed."""


@final
@dataclass(frozen=True)
class LabelledEvent:
    """An event in a file, in seconds from its begin; `source` says where it is written."""

    onset: float
    offset: float
    name: str
    source: str


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
    if path.is_dir() or path.suffix.lower() == ".txt":
        tracks = files_below(path, {".txt"}) if path.is_dir() else [(path.stem, path)]
        pairs = files.paired(tracks, lambda track: f"the label track {track}")
        events = {number: _from_track(track) for number, track in pairs.items()}
    elif path.suffix.lower() in (".tsv", ".csv"):
        rows = _from_table(path)
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


def _from_track(path: Path) -> list[LabelledEvent]:
    """The labels of a track: onset, offset and name, with tabs between. Lines of frequencies begin with a backslash."""
    events = []
    for line in _lines(path):
        if not line.text.strip() or line.text.startswith("\\"):
            continue
        cells = line.text.rstrip("\r\n").split("\t")
        source = f"{path}:{line.number}"
        if len(cells) < 2:
            raise ValueError(
                f"{source} is no label of Audacity, onset, offset and name with tabs between: "
                f"{line.text.rstrip()[:60]!r}"
            )
        events.append(_event(cells[0], cells[1], " ".join(cells[2:]).strip(), source))
    return events


def _places(path: Path, layout: Layout) -> dict[str, int | None]:
    """Where the columns of a table of events are."""
    try:
        return {name: layout.column(name) for name in ("filename", "onset", "offset", "event_label", "label")}
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error


def _from_table(path: Path) -> list[tuple[str, LabelledEvent | None]]:
    """The rows of a table, each with the name of its recording; one without times says that there is no event."""
    try:
        layout, table = table_of(path)
        places = _places(path, layout)
        missing = [name for name in ("filename", "onset", "offset") if places[name] is None]
        if missing:
            raise ValueError(
                f"{path} has no column {' and no column '.join(map(repr, missing))}, its columns are "
                f"{', '.join(map(repr, layout.names))}; write a table with the columns filename, onset, offset and "
                "event_label"
            )
        rows: list[tuple[str, LabelledEvent | None]] = []
        for row in table:
            source = f"{path}:{row.line}"
            if row.problem and not 0 < len(row.cells) < len(layout.names):
                raise ValueError(f"{source} {row.problem}; correct the line")
            padded = (*row.cells, *[""] * len(layout.names))  # a name alone says that there is no event
            cells = {name: meant(padded[place]).strip() for name, place in places.items() if place is not None}
            onset, offset, name = cells["onset"], cells["offset"], cells.get("event_label", cells.get("label", ""))
            event = _event(onset, offset, name, source) if onset or offset else None
            rows.append((cells["filename"], event))
    except (OSError, BadItemError) as error:
        raise ValueError(f"{path} is no table ({error}); save it as UTF-8, or remove it") from error
    return rows


def _event(onset: str, offset: str, name: str, source: str) -> LabelledEvent:
    try:
        begin, end = (float(time.replace(",", ".", 1)) for time in (onset, offset))  # some write a decimal comma
    except ValueError:
        begin = end = math.nan
    if not (math.isfinite(begin) and math.isfinite(end)):
        raise ValueError(f"{source}: {onset!r} and {offset!r} are no seconds; write numbers")
    if end - begin <= APART or begin < 0:
        raise ValueError(
            f"{source}: an event from {begin:g} s to {end:g} s has no extent within a recording; give it one, or "
            "remove it (a label of a single moment is no event)"
        )
    return LabelledEvent(begin, end, name, source)


def _refuse_outside(events: Iterable[LabelledEvent], seconds: float, path: Path) -> None:
    for event in events:
        if event.offset > 1.01 * seconds + SLACK:
            raise ValueError(
                f"{event.source}: an event ends at {event.offset:g} s, and {path} lasts {seconds:.1f} s; "
                "is it the track of another recording, or in another unit?"
            )


def _lines(path: Path) -> list[Line]:
    try:
        return list(lines_of(path))
    except (OSError, BadItemError) as error:
        raise ValueError(f"{path} is no text in Unicode ({error}); save it as UTF-8, or remove it") from error


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

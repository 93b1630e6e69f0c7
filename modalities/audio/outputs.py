"""Found events in the formats that the field's tools read, and the times of frames."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.found import FoundBatch, Named
from gestalt.core.discovery.groupers import along_first_axis
from gestalt.core.runs.stretches import Event, Sounding, kinds_of
from gestalt.core.storage.csv_file import TableWriter
from gestalt.core.storage.naming import OutputNames, counted
from gestalt.core.storage.text_file import open_text

from .data import AudioFiles, Recording
from .outputs_tracks import TRACKS, Labelled
from .reading import Header

COLUMNS = ("filename", "onset", "offset", "event_label")


def write_objects(found: Iterable[FoundBatch[Recording]], items: AbstractItems[Recording], out: Path) -> str:
    """`events.tsv` in DCASE's columns, the same as `events.csv`, which sed_eval and dcase_util read (they take a table
    with a header by its suffix alone), `events.json`, and for every file tracks for Audacity (`labels`), Raven
    (`selections`), Praat (`textgrids`) and ELAN (`elan`).

    An event that goes on in the next window is one event, and events that are alike are of one kind. Where a model says
    what objects are called, that is the kind, and a column `score` says how sure it is; tracks have the names alone, as
    they are read as labels.

    Raises:
        TypeError: if the items are no windows of files.
    """
    if not isinstance(items, AudioFiles):
        raise TypeError(f"events are written for windows of files (AudioFiles), got {type(items).__name__}")
    sounding, heard = Sounding(), dict[Path, None]()
    for batch in map(reduced, found):
        labels = batch.labels()
        for row, index in enumerate(batch.index):
            heard[items.path(index)] = None
            times = element_times(batch, row, items)
            sounding.hear(labels[row], batch.features, row, times, items.path(index), batch.named)
    events = sounding.events()
    named = all(event.name for event in events)
    kinds = [event.name for event in events] if named else kinds_of(events)
    headers = dict(zip(items.paths, items.headers, strict=True))
    write_events(out, events, kinds, {file: headers[file] for file in heard}, named)
    said = f"{counted(len(events), 'event')} of {counted(len(set(kinds)), 'kind')}"
    return f"{said} in {counted(len(heard), 'file')}"


def write_events(
    out: Path, events: Sequence[Event], kinds: Sequence[str], files: Mapping[Path, Header], scored: bool = False
) -> None:
    """The formats; a file without events has empty tracks and an empty entry. Scores where they mean something.

    Args:
        out: the folder.
        events: of all files.
        kinds: what each is called.
        files: with their lengths and sample rates.
        scored: scores mean something.
    """
    columns = (*COLUMNS, "score") if scored else COLUMNS
    tracks: dict[Path, list[Labelled]] = {file: [] for file in files}
    records: dict[str, list[dict[str, Any]]] = {str(file): [] for file in files}
    with open_text(out / "events.tsv") as tabs, open_text(out / "events.csv") as commas:
        tables = TableWriter(tabs, columns, "\t"), TableWriter(commas, columns)
        for event, kind in zip(events, kinds, strict=True):
            score = round(event.score, 4)
            for table in tables:
                cells = event.file, f"{event.onset:.3f}", f"{event.offset:.3f}", kind
                table.row((*cells, score) if scored else cells)
            tracks[event.file].append((event.onset, event.offset, kind))
            record = {"onset": round(event.onset, 3), "offset": round(event.offset, 3), "object": kind}
            records[str(event.file)].append(record | ({"score": score} if scored else {}))
    for folder, (ending, written) in TRACKS.items():
        names = OutputNames(list(files), ending)
        for path, own in tracks.items():
            with open_text(out / folder / names.of(path)) as file:
                file.write(written(own, files[path].seconds, files[path].sample_rate))
    with open_text(out / "events.json") as file:
        file.write(json.dumps(records, indent=1, ensure_ascii=False) + "\n")


def reduced(found: FoundBatch[Recording]) -> FoundBatch[Recording]:
    """Features and weights of objects averaged over frequency: events are stretches of time."""
    grid, segmentation = found.features.grid, found.segmentation
    if grid is None or len(grid.shape) == 1:
        return found
    features = along_first_axis(found.features)
    valid = found.features.valid.view(len(found.index), 1, grid.shape[0], -1)
    weights = segmentation.weights.view(*segmentation.weights.shape[:2], grid.shape[0], -1) * valid
    mean = weights.sum(dim=3) / valid.sum(dim=3).clamp(min=1)
    along = Segmentation(mean, Grid((grid.edges[0],)), segmentation.whole)
    return FoundBatch(found.index, found.items, features, along, found.numbers, named=_along(found, valid))


def _along(found: FoundBatch[Recording], valid: Bool[Tensor, "items one frames bands"]) -> Named | None:
    """Names with scores averaged over frequency."""
    if found.named is None:
        return None
    there = valid[:, 0]
    scores = found.named.scores.view(there.shape) * there
    return Named(found.named.names, scores.sum(dim=2) / there.sum(dim=2).clamp(min=1))


def element_columns(
    found: FoundBatch[Recording], row: int, items: AbstractItems[Recording]
) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The seconds at which each frame begins and ends in its file."""
    times = element_times(found, row, items)
    return {"onset": times[:-1].numpy(), "offset": times[1:].numpy()}


def element_times(found: FoundBatch[Recording], row: int, items: AbstractItems[Recording]) -> Float[Tensor, " bounds"]:
    """Where the frames of one item begin and end in its file, in seconds.

    They lie on one lattice over the whole file, so that those of neighbouring windows follow one another. The outermost
    ones may reach beyond the file, and end with it.
    """
    recording, grid = found.items[row], found.features.grid
    assert grid is not None
    edges = grid.edges[0][row % len(grid.edges[0])].to(torch.float64) + recording.start
    if isinstance(items, AudioFiles):
        return edges.clamp(0.0, items.headers[items.place(found.index[row])[0]].seconds)
    return edges.clamp(recording.start, recording.start + recording.seconds)

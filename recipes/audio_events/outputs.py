"""Found events and vectors in the formats that the field's tools read."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from gestalt.core.experiment.naming import track_name
from gestalt.core.experiment.vectors import Batch
from gestalt.core.runs.saved import load_network
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.groupers import along_first_axis
from gestalt.core.evaluation import Intervals
from gestalt.core.experiment import Batches, write_skipped, write_vectors
from gestalt.core.networks.encoder import Network
from gestalt.core.storage.atomic import write_text
from gestalt.modalities.audio import MODALITY, Audio, AudioFiles, Recording

from .finding import FinderOptions

MOST_KINDS = 12
ALIKE = 0.5  # cosine of standardised vectors from which two halves of a cut event are taken for one


@final
@dataclass(frozen=True)
class Found:
    """One event: its file, its times in seconds, and its vector."""

    file: Path
    onset: float
    offset: float
    vector: Float[Tensor, " dim"]


def discover(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Find events in recordings with a finished run, and write them as DCASE TSV, Audacity labels and JSON."""
    network, architecture = load_network(run)
    finder = FinderOptions(**architecture.details["finder"]).build()
    batches, files = _batches(network, paths, architecture.details["seconds"], skip_bad)
    events, heard = list[Found](), dict[Path, None]()
    for batch in batches:
        features = along_first_axis(batch.features)
        labels = finder.find(network, batch.data).labels().view(*features.valid.shape, -1)[..., 0]
        for row, (recording, place) in enumerate(zip(batch.items, batch.places, strict=True)):
            heard[files.path(place)] = None
            events += _events(labels[row], features, row, recording, files.path(place))
    events = joined(events, architecture.details["seconds"])
    kinds = kinds_of(events)
    out.mkdir(parents=True, exist_ok=True)
    write_events(out, events, kinds, list(heard))
    write_skipped(out, batches.skipped or ())
    print(f"{len(events)} events of {len(set(kinds))} kinds in {len(heard)} files, written to {out}")
    return 0


def embed(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Write the vectors of recordings and of their elements as `.npz` and Parquet, with their times."""
    network, architecture = load_network(run)
    batches, files = _batches(network, paths, architecture.details["seconds"], skip_bad)

    def times(batch: Batch[Recording], row: int) -> dict[str, Any]:
        edges = _edges(batch.features, batch.items[row]) + batch.items[row].start
        return {"onset": edges[:-1].numpy(), "offset": edges[1:].numpy()}

    write_vectors(out, batches, lambda place: str(files.path(place)), times, along_first_axis)
    return 0


def _batches(
    network: Network, paths: Sequence[Path], seconds: float, skip_bad: bool
) -> tuple[Batches[Recording], AudioFiles]:
    reading = Audio(seconds=seconds).read(paths, skip_bad)
    assert isinstance(reading.items, AudioFiles)
    return Batches(MODALITY, network, reading, list(reading.skipped) if skip_bad else None), reading.items


def _edges(features: FeatureMap, recording: Recording) -> Float[Tensor, " bounds"]:
    """Where elements begin and end in their window, in seconds.

    The outer ones may reach beyond it, where its neighbours have elements of their own: they end with it.
    """
    assert features.grid is not None
    return features.grid.edges[0][0].double().clamp(0.0, recording.seconds)


def _events(
    labels: Int[Tensor, " elements"], features: FeatureMap, row: int, recording: Recording, file: Path
) -> list[Found]:
    objects = max(int(labels.max()) + 1, 1)
    one = FeatureMap(features.values[row : row + 1], features.valid[row : row + 1], features.grid)
    vectors = Segmentation.from_labels(labels[None], objects, features.grid).pool(one).vectors[0]
    edges = _edges(features, recording).float()
    found = []
    for number in labels[labels >= 0].unique_consecutive().tolist():
        stretch = Intervals.from_labels(torch.where(labels == number, 0, -1), edges)
        for onset, offset in zip(stretch.onset.tolist(), stretch.offset.tolist(), strict=True):
            found.append(Found(file, recording.start + onset, recording.start + offset, vectors[number]))
    return found


def joined(events: Sequence[Found], seconds: float) -> list[Found]:
    """Join events that the border between two windows cut: they meet there and their vectors are alike."""
    if not events:
        return []
    vectors = _standardised(torch.stack([event.vector for event in events]))
    result = [events[0]]
    for before, event, left, right in zip(events, events[1:], vectors, vectors[1:], strict=False):
        meets = before.file == event.file and abs(before.offset - event.onset) < 1e-3
        border = abs(event.onset / seconds - round(event.onset / seconds)) * seconds < 1e-3
        if meets and border and float(torch.cosine_similarity(left, right, dim=0)) > ALIKE:
            result[-1] = Found(event.file, result[-1].onset, event.offset, (before.vector + event.vector) / 2)
        else:
            result.append(event)
    return result


def _standardised(vectors: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows dim"]:
    return (vectors - vectors.mean(dim=0)) / vectors.std(dim=0, correction=0).clamp(min=1e-6)


def kinds_of(events: Sequence[Found]) -> list[str]:
    """A kind for every event: k-means over the vectors, with the number of kinds of the best silhouette."""
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


def write_events(out: Path, events: Sequence[Found], kinds: Sequence[str], files: Sequence[Path]) -> None:
    """`events.tsv` for DCASE's tools, `events.json`, and one Audacity label track per file, empty without events."""
    table = io.StringIO()
    writer = csv.writer(table, delimiter="\t", lineterminator="\n")
    writer.writerow(["filename", "onset", "offset", "event_label"])
    for event, kind in zip(events, kinds, strict=True):
        writer.writerow([event.file, f"{event.onset:.3f}", f"{event.offset:.3f}", kind])
    write_text(out / "events.tsv", table.getvalue())
    tracks: dict[Path, list[str]] = {file: [] for file in files}
    records: dict[str, list[dict[str, Any]]] = {str(file): [] for file in files}
    for event, kind in zip(events, kinds, strict=True):
        tracks[event.file].append(f"{event.onset:.6f}\t{event.offset:.6f}\t{kind}\n")
        record = {"onset": round(event.onset, 3), "offset": round(event.offset, 3), "object": kind}
        records[str(event.file)].append(record)
    names: set[str] = set()
    for file, lines in tracks.items():
        names.add(name := track_name(file, names))
        write_text(out / f"{name}.labels.txt", "".join(lines))
    write_text(out / "events.json", json.dumps(records, indent=1, ensure_ascii=False) + "\n")

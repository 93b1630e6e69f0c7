"""Found objects and vectors of any kind of data, on disk."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gestalt.core.experiment.vectors import Batch
from gestalt.core.runs.saved import load_network, modality_of
from jaxtyping import Int
from markupsafe import Markup
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.experiment import Batches, write_skipped, write_vectors
from gestalt.core.experiment.predictions import own_elements
from gestalt.core.modality.base import AbstractModality
from gestalt.core.report import Exhibit, Page, Panel, write_report
from gestalt.core.storage.atomic import write_text

from .finding import FinderOptions

DRAWN = 50
"""So many items are drawn on the page; the others are in the JSON Lines alone."""


def discover(
    run: Path, paths: Sequence[Path], out: Path, skip_bad: bool, modality: AbstractModality[Any] | str | None = None
) -> int:
    """Find objects in items with a finished run: `objects.jsonl`, and `objects.html` with pictures of the first 50.

    A line of `objects.jsonl` is one item: its name, the object of every element (−1: none), and the edges of the
    elements along every axis of their grid (null for sets).
    """
    kind = modality_of(run, modality)
    network, architecture = load_network(run, modality=kind)
    finder = FinderOptions(**architecture.details["finding"]).build(kind)
    reading = kind.read(paths, skip_bad)
    batches = Batches(kind, network, reading, list(reading.skipped) if skip_bad else None)
    lines, exhibits, objects = list[str](), list[Exhibit](), 0
    for batch in batches:
        labels = finder.find(network, batch.data).labels()
        for row, (item, place) in enumerate(zip(batch.items, batch.places, strict=True)):
            found, grid = own_elements(labels[row], batch.features.valid[row], batch.features.grid, row)
            name = reading.items.name(place)
            objects += len(found[found >= 0].unique())
            lines.append(json.dumps(_record(name, found, grid), ensure_ascii=False) + "\n")
            if len(exhibits) < DRAWN:
                exhibits.append(Exhibit(name, (Panel("Found", Markup(kind.render(item, found, grid))),)))
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "objects.jsonl", "".join(lines))
    summary = f"{objects} objects in {len(lines)} items of {kind.name}, found with the run {run}."
    more = f"The first {DRAWN} items are shown; all are in objects.jsonl." if len(lines) > DRAWN else ""
    page = Page(
        title=f"Objects in {kind.name}",
        summary=summary,
        skipped=tuple(batches.skipped or ()),
        exhibits=tuple(exhibits),
        exhibits_note=f"Equal colours within an item are one object. {more}".strip(),
    )
    write_report(out / "objects.html", page)
    write_skipped(out, batches.skipped or ())
    print(f"{summary} Written to {out}")
    return 0


def embed(
    run: Path, paths: Sequence[Path], out: Path, skip_bad: bool, modality: AbstractModality[Any] | str | None = None
) -> int:
    """Write the vectors of items and of their elements as `.npz` and Parquet, with where each element lies."""
    kind = modality_of(run, modality)
    network, _ = load_network(run, modality=kind)
    reading = kind.read(paths, skip_bad)
    batches = Batches(kind, network, reading, list(reading.skipped) if skip_bad else None)
    write_vectors(out, batches, reading.items.name, _places)
    return 0


def _record(name: str, found: Int[Tensor, " elements"], grid: Grid | None) -> dict[str, Any]:
    edges = None if grid is None else [axis[0].tolist() for axis in grid.edges]
    return {"item": name, "objects": found.tolist(), "edges": edges}


def _places(batch: Batch[Any], row: int) -> dict[str, Any]:
    """The number of every element, and its centre along every axis of the grid."""
    columns: dict[str, Any] = {"element": np.arange(batch.features.valid.shape[1])}
    if batch.features.grid is not None:
        centres = batch.features.grid.centres()
        for axis in range(centres.shape[2]):
            columns[f"centre_{axis}"] = centres[row % len(centres), :, axis].numpy()
    return columns

"""Objects and vectors of new pictures, with a finished run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gestalt.core.experiment.naming import counted, track_name
from gestalt.core.experiment.vectors import Batch
from gestalt.core.runs.saved import load_network
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.experiment import Batches, write_skipped, write_vectors
from gestalt.core.storage.atomic import write_bytes, write_text
from gestalt.modalities.image import MODALITY, Image, ImageFiles, Picture
from gestalt.modalities.image.masks import coco, index_png, on_pixels, overlay, png
from gestalt.modalities.image.reading import decode, size_of

from .finding import FinderOptions

SHOWN = 1024
"""Pixels a side of an overlay."""


def discover(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Find objects in pictures with a finished run.

    For every picture an index PNG of its own size (0: no object, objects from 1) and an overlay; for all of them
    `objects.json` in COCO's format.
    """
    network, details, batches, files = _opened(run, paths, skip_bad)
    finder = FinderOptions(**details["finder"]).build()
    (out / "index").mkdir(parents=True, exist_ok=True)
    (out / "overlay").mkdir(exist_ok=True)
    taken: set[str] = set()
    found: list[tuple[str, Tensor]] = []
    for batch in batches:
        labels = finder.find(network, batch.data).labels()
        grid = batch.features.grid
        assert grid is not None
        for row, place in enumerate(batch.places):
            path, item = files.paths[place], batch.items[row]
            taken.add(name := track_name(path, taken))
            objects = full_size(labels[row], grid, item, size_of(path))
            write_bytes(out / "index" / f"{name}.png", index_png(objects))
            shown = decode(path, 3, SHOWN) if len(item) == 3 else item
            on_shown = full_size(labels[row], grid, item, (shown.shape[1], shown.shape[2]))
            write_bytes(out / "overlay" / f"{name}.png", png(overlay(shown, on_shown)))
            found.append((str(path), objects))
    if not found:
        first = (batches.skipped or [])[-1]
        raise ValueError(f"none of {len(files)} pictures can be read; {first.name}: {first.reason}")
    record = coco(found)
    write_text(out / "objects.json", json.dumps(record, ensure_ascii=False) + "\n")
    write_skipped(out, batches.skipped or ())
    summary = f"{counted(len(record['annotations']), 'object')} in {counted(len(found), 'picture')}"
    print(f"{summary}, written to {out}")
    return 0


def embed(run: Path, paths: Sequence[Path], out: Path, skip_bad: bool) -> int:
    """Write the vectors of pictures and of their cells as `.npz` and Parquet, with each cell's place in its file."""
    _, _, batches, files = _opened(run, paths, skip_bad)

    def places(batch: Batch[Picture], row: int) -> dict[str, Any]:
        grid = batch.features.grid
        assert grid is not None
        size, item = size_of(files.paths[batch.places[row]]), batch.items[row]
        centres = grid.centres()[row % len(grid.centres())]
        return {
            name: (centres[:, axis] * size[axis] / item.shape[axis + 1]).numpy() for axis, name in enumerate(("y", "x"))
        }

    write_vectors(out, batches, lambda place: str(files.paths[place]), places)
    return 0


def full_size(
    labels: Int[Tensor, " elements"], grid: Grid, item: Picture, size: tuple[int, int]
) -> Int[Tensor, "height width"]:
    """The object of every pixel of a picture of `size`, of which `item` is a smaller or larger copy.

    Cells that begin before or end behind the picture are cut with it; pixels beyond the last cell's middle take the
    object of the nearest cell that has one.
    """
    scale = (item.shape[1] / size[0], item.shape[2] / size[1])
    rows, columns = grid.shape
    cells = labels.view(rows, columns)
    valid = (cells >= 0).nonzero()
    own = cells[: int(valid[:, 0].max()) + 1, : int(valid[:, 1].max()) + 1] if len(valid) else cells
    # A cell whose middle lies outside is not valid: the rim of up to half a cell goes to the last one that is.
    down, across = (edges[0, : length + 1].clone() for edges, length in zip(grid.edges, own.shape, strict=True))
    down[0], across[0] = min(float(down[0]), 0.0), min(float(across[0]), 0.0)
    down[-1], across[-1] = max(float(down[-1]), item.shape[1]), max(float(across[-1]), item.shape[2])
    return on_pixels(own.flatten(), Grid((down[None], across[None])), size, scale)


def _opened(run: Path, paths: Sequence[Path], skip_bad: bool) -> tuple[Any, Any, Batches[Picture], ImageFiles]:
    network, architecture = load_network(run)
    channels = int(getattr(network.encoder, "channels", 3))
    reading = Image(channels=channels, longest=architecture.details["longest"]).read(paths, skip_bad)
    assert isinstance(reading.items, ImageFiles)
    skipped = list(reading.skipped) if skip_bad else None
    return network, architecture.details, Batches(MODALITY, network, reading, skipped), reading.items

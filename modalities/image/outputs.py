"""Found objects of pictures at the size of each file, and the places of cells in it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch, Named
from gestalt.core.pictures.reading import size_of
from gestalt.core.storage.naming import OutputNames, counted
from gestalt.core.storage.text_file import open_text

from .data import ImageFiles, Picture
from .masks import Category, coco, index_png, on_pixels, overlay, png
from .reading import decode

SHOWN = 1024
"""Pixels a side of an overlay."""


def write_objects(found: Iterable[FoundBatch[Picture]], items: AbstractItems[Picture], out: Path) -> str:
    """For every picture an index PNG of its own size (0: no object, objects from 1) and an overlay.

    Numbers have no gaps, unless objects have numbers beyond the picture (`FoundBatch.numbers`): those of all parts of a
    joint item. `index/NAME.png`, `overlay/NAME.png`, and for all pictures `objects.json` in COCO's format, with the
    categories and scores of a model that says what objects are called.

    Raises:
        TypeError: if the pictures are no files.
    """
    first = next(batches := iter(found), None)
    names = ("object",) if first is None or first.named is None else first.named.names
    whole = () if first is None else chain((first,), batches)
    record = coco(_written(whole, _files(items), out), names)
    with open_text(out / "objects.json") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return f"{counted(len(record['annotations']), 'object')} in {counted(len(record['images']), 'picture')}"


def _written(
    found: Iterable[FoundBatch[Picture]], files: ImageFiles, out: Path
) -> Iterator[tuple[str, Int[Tensor, "_ _"], Mapping[int, Category]]]:
    """The object of every pixel, picture by picture, once its two files are written."""
    names = OutputNames(files.paths, ".png")
    for batch in found:
        labels, grid = batch.labels(), batch.features.grid
        kept = batch.numbers is not None and batch.named is None
        assert grid is not None
        for row, (index, item) in enumerate(zip(batch.index, batch.items, strict=True)):
            path, name, valid = files.path(index), names.of(files.path(index)), batch.features.valid[row]
            objects = full_size(labels[row], grid, item, size_of(path), valid)
            shown = decode(path, 3, SHOWN) if len(item) == 3 else item
            on_shown = full_size(labels[row], grid, item, (shown.shape[1], shown.shape[2]), valid)
            for folder, content in (
                ("index", index_png(objects, kept)),
                ("overlay", png(overlay(shown, on_shown, by_number=kept))),
            ):
                target = out / folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            yield str(path), objects, categories_of(labels[row], batch.named, row)


def categories_of(labels: Int[Tensor, " elements"], named: Named | None, row: int) -> dict[int, Category]:
    """What the objects of a picture are called by their numbers; the score is the mean over an object's cells."""
    if named is None:
        return {}
    numbers = labels[labels >= 0].unique().tolist()
    scores = named.scores[row]
    return {number: Category(named.name(number), float(scores[labels == number].mean())) for number in numbers}


def full_size(
    labels: Int[Tensor, " elements"],
    grid: Grid,
    item: Picture,
    size: tuple[int, int],
    valid: Bool[Tensor, " elements"] | None = None,
) -> Int[Tensor, "height width"]:
    """The object of every pixel of a picture of `size`, of which `item` is a smaller or larger copy.

    Cells that begin before or end behind the picture are cut with it; pixels beyond the last cell's middle take the
    object of the nearest cell that is `valid`, or, where that is not said, that has one.
    """
    scale = (item.shape[1] / size[0], item.shape[2] / size[1])
    rows, columns = grid.shape
    cells = labels.view(rows, columns)
    there = (cells >= 0 if valid is None else valid.view(rows, columns)).nonzero()
    own = cells[: int(there[:, 0].max()) + 1, : int(there[:, 1].max()) + 1] if len(there) else cells
    # A cell whose middle lies outside is not valid: the rim of up to half a cell goes to the last one that is.
    down, across = (edges[0, : length + 1].clone() for edges, length in zip(grid.edges, own.shape, strict=True))
    down[0], across[0] = min(float(down[0]), 0.0), min(float(across[0]), 0.0)
    down[-1], across[-1] = max(float(down[-1]), item.shape[1]), max(float(across[-1]), item.shape[2])
    return on_pixels(own.flatten(), Grid((down[None], across[None])), size, scale)


def element_columns(
    found: FoundBatch[Picture], row: int, items: AbstractItems[Picture]
) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The centre of every cell in the file's own pixels, down and across."""
    item, grid = found.items[row], found.features.grid
    assert grid is not None
    size = size_of(_files(items).path(found.index[row]))
    centres = grid.centres()[row % len(grid.centres())]
    return {
        name: (centres[:, axis] * size[axis] / item.shape[axis + 1]).numpy() for axis, name in enumerate(("y", "x"))
    }


def input_grid(item: Picture) -> Grid:
    """Every pixel."""
    return Grid.uniform((item.shape[1], item.shape[2]), (1.0, 1.0))


def _files(items: AbstractItems[Picture]) -> ImageFiles:
    if not isinstance(items, ImageFiles):
        raise TypeError(f"objects are written for picture files (ImageFiles), got {type(items).__name__}")
    return items

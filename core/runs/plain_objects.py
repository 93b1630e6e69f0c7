"""Found objects of a modality that has no formats of its own: JSON Lines, and a page with pictures."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jaxtyping import Int
from markupsafe import Markup
from torch import Tensor

from ..data.grid import Grid
from ..data.items import AbstractItems, Skipped
from ..data.own_elements import own_elements
from ..data.places import Parts, Places
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..report import Exhibit, Page, Panel, write_report
from ..storage.naming import counted
from ..storage.text_file import open_text

ItemT = TypeVar("ItemT")

DRAWN = 50
"""So many items are drawn on the page; the others are in the JSON Lines alone."""


def write_plain_objects(
    found: Iterable[FoundBatch[ItemT]],
    modality: AbstractModality[ItemT],
    items: AbstractItems[ItemT],
    out: Path,
    note: str = "",
    skipped: Sequence[Skipped] = (),
) -> str:
    """Write `objects.jsonl`, and `objects.html` with pictures of the first 50 items; what was written, in a line.

    A line of `objects.jsonl` is one item: its name, the object of every element (−1: none), and the edges of the
    elements along every axis of their grid (null for sets); of a joint item so for each of its parts. Where a model
    says what objects are called, `labels` has the names by the objects' numbers, and `scores` the mean of each.

    Args:
        found: the objects of all items, a few at a time.
        modality: of the items; draws them.
        items: tell where each item comes from.
        out: the folder.
        note: how they were found, for the page.
        skipped: what was left out, for the page; it may grow while items are read.
    """
    exhibits, written, objects = list[Exhibit](), 0, 0
    with open_text(out / "objects.jsonl") as lines:
        for batch in found:
            labels = batch.labels()
            for row, (index, item) in enumerate(zip(batch.index, batch.items, strict=True)):
                own, grid = own_elements(labels[row], batch.features.valid[row], batch.features.places, row)
                name = items.name(index)
                called = _called(batch, row, own)
                lines.write(json.dumps(_record(name, own, grid) | called, ensure_ascii=False) + "\n")
                written, objects = written + 1, objects + len(own[own >= 0].unique())
                if len(exhibits) < DRAWN:
                    exhibits.append(Exhibit(name, (Panel("Found", Markup(modality.render(item, own, grid))),)))
    said = f"{counted(objects, 'object')} in {counted(written, 'item')} of {modality.name}"
    more = f"The first {DRAWN} items are shown; all are in objects.jsonl." if written > DRAWN else ""
    page = Page(
        title=f"Objects in {modality.name}",
        summary=f"{said}{', ' if note else ''}{note}.",
        skipped=tuple(skipped),
        exhibits=tuple(exhibits),
        exhibits_note=f"Equal colours within an item are one object. {more}".strip(),
    )
    write_report(out / "objects.html", page)
    return said


def _called(batch: FoundBatch[Any], row: int, own: Int[Tensor, " elements"]) -> dict[str, Any]:
    """What a model calls the objects of one item, and how sure it is; nothing where no model says it."""
    if batch.named is None:
        return {}
    labels, scores = batch.labels()[row], batch.named.scores[row]
    numbers: list[int] = own[own >= 0].unique().tolist()
    return {
        "labels": {str(number): batch.named.name(number) for number in numbers},
        "scores": {str(number): round(float(scores[labels == number].mean()), 4) for number in numbers},
    }


def _record(name: str, found: Int[Tensor, " elements"], places: Places | None) -> dict[str, Any]:
    if isinstance(places, Parts):
        of_parts = zip(places.slices.items(), places.grids, strict=True)
        return {"item": name, "parts": {part: _elements(found[here], grid) for (part, here), grid in of_parts}}
    return {"item": name} | _elements(found, places)


def _elements(found: Int[Tensor, " elements"], grid: Grid | None) -> dict[str, Any]:
    edges = None if grid is None else [axis[0].tolist() for axis in grid.edges]
    return {"objects": found.tolist(), "edges": edges}

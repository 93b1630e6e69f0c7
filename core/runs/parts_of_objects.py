"""Found objects of items with parts: each part in the formats of its modality, objects with the same numbers."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch

from ..data.items import AbstractItems
from ..data.parts import segmentation_of
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.joint.items import JointItems
from ..modality.optional import WritesObjects
from .plain_objects import write_plain_objects


def write_parts(
    found: Iterable[FoundBatch[Any]],
    modalities: Mapping[str, AbstractModality[Any]],
    items: AbstractItems[Any],
    out: Path,
) -> str:
    """Write a folder for every part; what was written, in a line.

    What was found is kept in a file beside while the parts are written one after the other, so that memory holds a few
    items however many there are.

    Args:
        found: the objects of all items, a few at a time.
        modalities: of the parts.
        items: those that the joint modality read.
        out: the folder.

    Raises:
        ValueError: if the items are not those of a joint modality.
    """
    if not isinstance(items, JointItems):
        raise ValueError(f"items with parts are read by their modality, and these are {type(items).__name__}")
    with tempfile.TemporaryDirectory() as folder:
        kept = Kept(Path(folder))
        count, objects = 0, 0
        for batch in found:
            kept.add(batch)
            labels = batch.labels()
            count += len(batch.index)
            objects += sum(len(row[row >= 0].unique()) for row in labels)
        said = []
        for name, modality in modalities.items():
            own = out / name
            own.mkdir()
            parts = (one for batch in kept for one in part_of_batch(batch, name, items))
            if isinstance(modality, WritesObjects):
                said.append(modality.write_objects(parts, items.parts[name], own))
            else:
                said.append(write_plain_objects(parts, modality, items.parts[name], own))
    return f"{objects} objects in {count} items; {'; '.join(said)}"


@final
@dataclass(frozen=True)
class Kept:
    """Batches in files of a folder, in their order."""

    folder: Path

    def add(self, batch: FoundBatch[Any]) -> None:
        """One more."""
        torch.save(batch, self.folder / f"{sum(1 for _ in self.folder.iterdir()):08d}.pt")

    def __iter__(self) -> Iterator[FoundBatch[Any]]:
        for path in sorted(self.folder.iterdir()):
            yield torch.load(path, weights_only=False)  # written by this process, a moment ago


def part_of_batch(batch: FoundBatch[Any], name: str, items: JointItems) -> Iterator[FoundBatch[Any]]:
    """One part of a batch, for the items that have it; nothing where none has."""
    column = list(items.parts).index(name)
    rows = [row for row, item in enumerate(batch.items) if name in item.parts]
    if not rows:
        return
    features, segmentation = batch.features.part(name), segmentation_of(batch.segmentation, name)
    for row in rows:
        one = torch.tensor([row])
        yield FoundBatch(
            (items.rows[batch.index[row]][column],),
            (batch.items[row].parts[name],),
            features.rows(one),
            segmentation.rows(one),
            batch.object_numbers()[one],
        )

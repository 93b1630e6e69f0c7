"""Found objects in the forms of their modality, of each part, or in those of any."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..data.items import AbstractItems, Skipped
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.joint.shard_windows import rows_of
from ..modality.optional import ComposesModalities, WritesObjects
from .parts_of_objects import write_parts
from .plain_objects import write_plain_objects


def write_found(
    found: Iterable[FoundBatch[Any]],
    modality: AbstractModality[Any],
    items: AbstractItems[Any],
    out: Path,
    note: str = "",
    skipped: Sequence[Skipped] = (),
) -> str:
    """Write objects; what was written, in a line.

    The modality writes them (`WritesObjects`), or those of its parts do, for joint items in files. All others, joint
    items in archives too, are written as `objects.jsonl` and `objects.html`.

    Args:
        found: the objects of all items, a few at a time.
        modality: of the items.
        items: tell where each item comes from.
        out: the folder.
        note: how they were found, for the page.
        skipped: what was left out, for the page.
    """
    if isinstance(modality, WritesObjects):
        return modality.write_objects(found, items, out)
    if isinstance(modality, ComposesModalities) and rows_of(items) is not None:
        return write_parts(found, modality.modalities, items, out)
    return write_plain_objects(found, modality, items, out, note, skipped)

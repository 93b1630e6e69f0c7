"""Labels that lie in archives beside the files that they are of: `.json` with a `label`, or `.cls`."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..data.items import AbstractItems, FromFiles
from ..shards.archive import key_of
from ..shards.files import content, place_of
from ..shards.index import INDICES
from .label_table import Kind, labels_from
from .labels import Labels

MOST = 2**20
"""Bytes of a label."""


def archive_labels(items: AbstractItems[Any], kind: Kind = "class") -> Labels:
    """What records of archives say of their items.

    Raises:
        ValueError: if the items lie in no archives, no record says anything, or what one says cannot be read.
    """
    paths = [items.path(number) for number in range(len(items))] if isinstance(items, FromFiles) else []
    if not any(place_of(path) for path in paths):
        raise ValueError("--labels archives are those beside the files in tar archives, and the data are none")
    texts = [label_beside(path) for path in paths]
    if all(text is None for text in texts):
        raise ValueError(
            f"none of {len(texts)} items has a label beside it in its archive: a file with the ending .json that has a "
            'field "label", or .cls; pack them with --labels'
        )
    return labels_from(texts, kind, "archives")


@lru_cache(maxsize=1024)
def label_beside(path: Path) -> str | None:
    """The label of the record that a file in an archive belongs to; None where it has none.

    Raises:
        ValueError: if it cannot be read.
    """
    place = place_of(path)
    if place is None:
        return None
    archive, key = place[0], key_of(place[1])
    for ending in (".json", ".cls"):
        number = INDICES.of(archive).number(key + ending)
        if number is None or archive / (key + ending) == path:
            continue
        own = archive / (key + ending)
        said = _text(own, INDICES.of(archive).member(number).size)
        found = _field(own, said) if ending == ".json" else said.strip()
        if found:
            return found
    return None


def _text(path: Path, size: int) -> str:
    if size > MOST:
        raise ValueError(f"{path} has {size} bytes, too many for a label")
    return b"".join(content(path)).decode("utf-8", "replace")


def _field(path: Path, said: str) -> str | None:
    try:
        read = json.loads(said)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON ({error}); write the archive again") from error
    label = read.get("label") if isinstance(read, Mapping) else None
    return None if label is None or isinstance(label, Mapping | list) else str(label)

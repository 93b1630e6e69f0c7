"""Which items belong together: the windows of one recording, the records of one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.items import AbstractItems, FromFiles, FromRecords
from ..modality.optional import InOverlap, InSequence
from ..tables.rows import table_of
from ..training.label_source import labels_at
from .evaluation_options import By

TRAIN, TEST = ("train", "training"), ("test", "testing")


def groups_of(items: AbstractItems[Any], index: Sequence[int], by: By = "whole") -> Int[Tensor, " rows"]:
    """A number for every item, the same for those that belong together.

    Args:
        items: the data set.
        index: numbers of items.
        by: the whole that an item is a window of; without one its record, its file, or the item itself; or always its
            file; or always the item.
    """
    keys = [_key(items, number, by) for number in index]
    numbers = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return torch.tensor([numbers[key] for key in keys], dtype=torch.long)


def _key(items: AbstractItems[Any], number: int, by: By) -> int | str:
    if by == "whole":
        if isinstance(items, InSequence):
            return items.whole(number).start
        if isinstance(items, InOverlap):
            return items.overlapping(number).start
    if by == "item" or (by == "whole" and isinstance(items, FromRecords)) or not isinstance(items, FromFiles):
        return number
    return str(items.path(number))


def under_paths(items: AbstractItems[Any], index: Sequence[int], paths: Sequence[Path]) -> Bool[Tensor, " rows"]:
    """Which items lie in these files and folders.

    Raises:
        ValueError: if items come from no files.
    """
    if not isinstance(items, FromFiles):
        raise ValueError("these items come from no files, so --test cannot name some of them; name them by --split")
    roots = [path.resolve() for path in paths]
    places = [items.path(number).resolve() for number in index]
    return torch.tensor([any(root == place or root in place.parents for root in roots) for place in places])


def split_at(
    path: Path, items: AbstractItems[Any], index: Sequence[int], skip_bad: bool = False
) -> tuple[Bool[Tensor, " rows"], Bool[Tensor, " rows"]]:
    """The sides of items by a table: which are tested, and which take part at all.

    The table names items as one of labels does; its column `split`, or else `label`, or the second, says `train` or
    `test`. Whatever else it says (a validation set), and items that it does not name, take no part.

    Raises:
        ValueError: if the table cannot be read, or says neither.
    """
    labels = labels_at(path, items, _split_column(path), skip_bad=skip_bad)
    names = [name.lower() for name in labels.target.columns]
    if not set(names) & {*TRAIN, *TEST}:
        raise ValueError(f"{path} says train or test of no item; its column of splits says {', '.join(names)}")
    said = labels.known[torch.as_tensor(index, dtype=torch.long)].tolist()
    tested = torch.tensor([number >= 0 and names[number] in TEST for number in said])
    return tested, tested | torch.tensor([number >= 0 and names[number] in TRAIN for number in said])


def _split_column(path: Path) -> str | None:
    """The column `split`, where there is one; a table that cannot be read is refused by whoever reads it."""
    try:
        layout, _ = table_of(path)
    except (OSError, ValueError):
        return None
    try:
        return "split" if layout.column("split") is not None else None
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error

"""Which items belong together: the windows of one recording, the records of one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from ..data.items import AbstractItems, FromFiles, FromRecords
from ..modality.optional import InOverlap, InSequence
from ..tables.rows import table_of
from ..training.label_source import labels_at
from .evaluation_options import By

TRAIN, TEST = ("train", "training"), ("test", "testing")
MANY = 2
"""Items of a file from which on files are likely what labels are of."""


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
    """The column `split`, or `label`, or the second; a table that cannot be read is refused by whoever reads it."""
    try:
        layout, _ = table_of(path)
    except (OSError, ValueError):
        return None
    try:
        named = next((name for name in ("split", "label") if layout.column(name) is not None), None)
        return named or (layout.names[1] if len(layout.names) > 1 else None)
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error


def leaking(
    items: AbstractItems[Any], index: Sequence[int], known: Shaped[Tensor, "rows ..."], by: By
) -> tuple[tuple[str, str], ...]:
    """In a line, that items of one file, all of which it labels alike, are on both sides of a split; nothing otherwise.

    Args:
        items: the data set.
        index: the item of every row.
        known: what is known of every row.
        by: what stays on one side.
    """
    if by != "whole" or not isinstance(items, FromFiles):
        return ()
    some = list(dict.fromkeys(index))
    files = [str(items.path(number)) for number in some]
    said = dict(zip(index, map(str, known.tolist()), strict=True))
    labels = {(file, said[number]) for file, number in zip(files, some, strict=True)}
    groups = len(groups_of(items, some).unique())
    if len(labels) > len(set(files)) or groups < MANY * len(labels) or len(labels) < 2:
        return ()
    text = f"{groups} items come from {len(labels)} files, each with one label: --group file keeps a file on one side"
    return (("hint", text),)

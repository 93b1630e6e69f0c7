"""Copies of indexed items, made by the modality's own views and transforms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.items import BadItemError
from ..modality.base import AbstractModality
from ..modality.joint.item import JointItem
from .again import Again
from .encodes import Encodes, seen_alone
from .entries import OBJECT, PART
from .index import Index

VIEWS = "views of training"
AT_ONCE = 64
"""So many items are in memory with their copies."""


@final
@dataclass(frozen=True)
class Copies:
    """Some indexed items and the vectors of their copies: `vectors[name][i]` is of a copy of row `rows[i]`."""

    rows: Int[np.ndarray, " items"]
    vectors: Mapping[str, Float[Tensor, "items dim"]]


def drawn_rows(chosen: Bool[np.ndarray, " rows"], most: int, rng: np.random.Generator) -> Int[np.ndarray, " drawn"]:
    """Up to so many of the chosen rows, by chance, ascending."""
    numbers = chosen.nonzero()[0]
    return np.sort(rng.choice(numbers, min(most, len(numbers)), replace=False))


def copies_of(
    model: Encodes, index: Index, rows: Sequence[int], of: str, every: bool, seed: int = 0
) -> Iterator[Copies]:
    """Copies of the items of some rows; those whose files cannot be read any more are left out.

    Args:
        model: the run of the index.
        index: that the rows are of.
        rows: of items, or of a part of them.
        of: `item` or `part:NAME`, which is seen alone in the copies, too.
        every: also by every transform of the modality alone.
        seed: of the views, together with the number of the row.

    Raises:
        ValueError: for objects: a view does not keep them apart from what lies around.
    """
    if of == OBJECT:
        raise ValueError("copies are made of items or of their parts, not of objects")
    again, names = Again(index, model.modality), list[str]()
    for first in range(0, len(rows), AT_ONCE):
        kept, made = list[int](), dict[str, list[Any]]()
        for row in rows[first : first + AT_ONCE]:
            try:
                found = _copies(model.modality, again.item(row), of, every, np.random.default_rng([seed, row]))
            except (BadItemError, OSError, ValueError):
                continue
            names = names or list(found)
            if list(found) == names:
                kept.append(row)
                for name, item in found.items():
                    made.setdefault(name, []).append(item)
        if kept:
            vectors = {name: seen_alone(model, index.manifest.space, items) for name, items in made.items()}
            yield Copies(np.array(kept), vectors)


def _copies(
    modality: AbstractModality[Any], item: Any, of: str, every: bool, rng: np.random.Generator
) -> dict[str, Any]:
    views = modality.views
    source = views.source(item, rng)[0]
    found = {f"{VIEWS} {number}": view(source, rng)[0] for number, view in enumerate(views.views, 1)}
    if every:
        found |= {name: transform(item, rng)[0] for name, transform in modality.transforms.items()}
    if not of.startswith(PART):
        return found
    name = of.removeprefix(PART)
    return {key: copy.only([name]) for key, copy in found.items() if isinstance(copy, JointItem) and name in copy.parts}

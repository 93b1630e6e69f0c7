"""Inputs that are a copy of the labels: whatever is learned of these would be read off them."""

import warnings
from collections.abc import Sequence
from typing import Any

from ..data.items import AbstractItems, FromRecords, MadeOfColumns

LOOKED = 1024
"""Labelled items, evenly over all, that are looked at."""
LEAST = 8
"""Of fewer, a column says the same as the labels by chance."""


def refuse_copies(items: AbstractItems[Any], texts: Sequence[str | None], source: str) -> None:
    """Refuse labels that a column among the inputs repeats; warn of one that says the same in other words.

    Args:
        items: of which those that are made of columns are looked at.
        texts: the label of every item; None where it has none.
        source: where they are from.

    Raises:
        ValueError: if the cells of an input are the labels.
    """
    known = [index for index, text in enumerate(texts) if text is not None]
    known = known[:: max(1, -(-len(known) // LOOKED))]
    labels = [texts[index] for index in known]
    kinds = len(set(labels))
    if not (isinstance(items, MadeOfColumns) and isinstance(items, FromRecords)) or len(known) < LEAST or kinds < 2:
        return
    rows = [items.fields(index) for index in known]
    for name in items.inputs:
        cells = [row.get(name, "").strip() for row in rows]
        if cells == labels:
            raise ValueError(
                f"the labels in {source} are the column {name!r}, which is an input of these items: they would be read "
                f"off it; train a run without it (--settings exclude={name})"
            )
        if kinds < len(known) and kinds == len(set(cells)) == len(set(zip(cells, labels, strict=True))):
            warnings.warn(
                f"the column {name!r} tells every label in {source} ({cells[0]!r} is {labels[0]!r}) and is an input of "
                f"these items: if it is a copy of what is to be predicted, train a run without it "
                f"(--settings exclude={name})",
                stacklevel=2,
            )

"""How much data there is, in the units of its modality: hours, pixels, words, atoms."""

import time
from typing import Any

import numpy as np

from ..data.items import AbstractItems, BadItemError, read_item
from ..modality.base import AbstractModality
from ..modality.optional import MeasuresItems
from ..modality.windows import Jittered
from ..storage.amounts import amount

MOST = 64
"""Items that are read to say how much all of them are."""
PATIENCE = 0.5
"""Seconds after which no further item is read for it."""


def amounts_of(modality: AbstractModality[Any], items: AbstractItems[Any]) -> str:
    """How much all items are in words, "about" where not all were read; nothing where the modality does not say it.

    Items from all over are read, in a random order, until there are enough or it takes too long: data that are read in
    minutes are not read once more.

    Args:
        modality: that measures them.
        items: those of a data set; those that cannot be read are not counted.

    Example:
        >>> from gestalt.core.runs.inputs import InMemory
        >>> from gestalt.modalities.text import MODALITY, Passage
        >>> amounts_of(MODALITY, InMemory([Passage.of("The old man."), Passage.of("The sea.")]))
        '7 words'
    """
    if not isinstance(modality, MeasuresItems):
        return ""
    items = items.with_jitter(False) if isinstance(items, Jittered) else items  # moved windows show some things twice
    rng, until = np.random.default_rng(0), time.monotonic() + PATIENCE
    sums, read = dict[str, float](), 0
    for index in rng.permutation(np.unique(np.linspace(0, len(items) - 1, MOST).round().astype(int))).tolist():
        if read and time.monotonic() > until:
            break
        try:
            own = modality.amounts(read_item(items, index, np.random.default_rng(0)))
        except BadItemError:  # training says so
            continue
        sums = {unit: sums.get(unit, 0.0) + own.get(unit, 0.0) for unit in {**sums, **own}}
        read += 1
    if not read:
        return ""
    about = "about " if read < len(items) else ""
    return about + " and ".join(amount(value * len(items) / read, unit) for unit, value in sums.items())

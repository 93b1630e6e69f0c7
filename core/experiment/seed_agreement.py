"""A sign without labels: whether runs of several seeds find the same objects."""

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from ..evaluation.partition import adjusted_rand_index
from ..modality.base import AbstractModality
from ..runs.saving import load
from .predictions import predictions_of

ItemT = TypeVar("ItemT")

ITEMS = 100
"""So many of the evaluated items, the first ones, are looked at."""


def agreement_of_seeds(runs: Sequence[Path], modality: AbstractModality[ItemT], items: Sequence[ItemT]) -> float:
    """The adjusted Rand index between what two runs find in an item: the mean over items and pairs of runs.

    What belongs to no object counts as one more. NaN with fewer than two runs.

    Args:
        runs: folders of finished runs that differ in their seed.
        modality: of the items.
        items: of which the first are looked at.

    Raises:
        FileNotFoundError: if a folder is no finished run.
    """
    shown = items[:ITEMS]
    found = [_found(run, modality, shown) for run in runs]
    values = [
        float(adjusted_rand_index(one[None], other[None] + 1))
        for first, second in combinations(found, 2)
        for one, other in zip(first, second, strict=True)
    ]
    return sum(values) / len(values) if values else math.nan


def _found(run: Path, modality: AbstractModality[Any], items: Sequence[Any]) -> list[Any]:
    model = load(run, modality=modality)
    model.check_finder()
    assert model.finder is not None
    predictions = predictions_of(model.network, modality, items, model.finder)
    return [predictions.item(place)[0].long() for place in range(len(items))]


def said(agreement: float) -> str:
    """The agreement in a sentence; nothing where there is none."""
    if math.isnan(agreement):
        return ""
    return f"Two seeds agree by {agreement:.2f} in what they find (adjusted Rand index; what is no object is one more)."

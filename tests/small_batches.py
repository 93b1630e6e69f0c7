"""Batches of toy items, or of a modality's specimens, with everything that a method may ask of a batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence
from gestalt.core.data.view import Batch, View
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.transform import Views
from tests.computed_numbers import computed_numbers
from tests.toy import toy


def identity_of(kind: str, item: Tensor) -> AbstractCorrespondence:
    """The correspondence of an untransformed toy item."""
    return toy(kind).views.source(item, np.random.default_rng(0))[1]


def joined(correspondences: Sequence[AbstractCorrespondence]) -> AbstractCorrespondence:
    """One batch."""
    return correspondences[0].join(correspondences[1:])


def make_batch(
    kind: str,
    items: Sequence[Tensor],
    seed: int = 0,
    modality: AbstractModality[Any] | None = None,
    views: Views[Any] | None = None,
) -> Any:
    """The source view and the views of every item (the modality's own by default), each with its own random numbers."""
    modality = toy(kind) if modality is None else modality
    rows = [_views_of(views or modality.views, item, seed + number) for number, item in enumerate(items)]
    seen = [
        View(modality.collate([row[place][0] for row, _ in rows]), joined([row[place][1] for row, _ in rows]))
        for place in range(len(rows[0][0]))
    ]
    names = tuple(f"item {number}" for number in range(len(items)))
    index = torch.arange(seed, seed + len(items))
    labels = torch.where(index % 3 < 2, index % 2, -1)
    computed = computed_numbers(len(items), seed)
    places = torch.arange(len(seen) - 1)
    applied = torch.tensor([row for _, row in rows]) if rows[0][1] else (index[:, None] + places) % 2
    return Batch(seen[0], tuple(seen[1:]), names, index, labels=labels, computed=computed, applied=applied)


def _views_of(
    views: Views[Any], item: Tensor, seed: int
) -> tuple[list[tuple[Tensor, AbstractCorrespondence]], tuple[int, ...]]:
    """The source and the views, and by which alternatives these were changed, where there are any."""
    rng = np.random.default_rng(seed)
    source = views.source(item, rng)
    seen = views.seen(source[0], rng)
    return [source, *seen.views], seen.applied

"""What a run may know of its items: a table, folders, columns of the data, or what a recipe knows of shipped data."""

import math
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from ..evaluation.fractions import label_fraction
from ..methods.targets import any_known
from ..training.label_source import labels_at
from ..training.labels import Labels
from .options import Labelling
from .recipe import ExperimentData, Label


def labels_of(data: ExperimentData[Any, Any], options: Labelling, seed: int, skip_bad: bool = False) -> Labels | None:
    """The labels of the training items, None where there are none; those beyond the share that is used are hidden.

    Raises:
        ValueError: if the table, the folders, the column or the labels do not fit the items.
    """
    if data.labels is not None:
        if len(data.labels.known) != len(data.items):
            raise ValueError(
                f"labels of {len(data.labels.known)} items were given, and there are {len(data.items)}: give one row "
                "for every item in their order, -1 (or NaN) where nothing is known"
            )
        return _shared(data.labels, share_of(data, options), seed)
    if options.labels is not None or options.label_column is not None:
        column, kind = options.label_column, options.label_kind
        labels = labels_at(options.labels, data.items, column, kind, data.skipped, skip_bad)
        return _shared(labels, share_of(data, options), seed)
    if data.label is None:
        return None
    # Asking for a label may mean making the item, so only those that are shown are asked for.
    count = len(data.items)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    known: dict[int, Label] = {}
    for index in order[: math.ceil(share_of(data, options) * count)].tolist():
        known[index] = data.label(index)
    if any(isinstance(label, tuple) for label in known.values()):
        rows = [known.get(index) for index in range(count)]
        return Labels.of_elements([row if isinstance(row, tuple) else None for row in rows])
    texts = [known.get(index) for index in range(count)]
    return Labels.of([text if isinstance(text, str) else None for text in texts])


def share_of(data: ExperimentData[Any, Any], options: Labelling) -> float:
    """The share of the labels that is used: what the user says; all of the user's own, a tenth of the recipe's."""
    own = options.labels is not None or options.label_column is not None
    whole = own or (data.labels is not None and data.truth is None)
    return options.label_share or (1.0 if whole else options.share)


def _shared(labels: Labels, share: float, seed: int) -> Labels:
    return labels if share == 1 else labels.keeping(label_fraction(_strata(labels.known), share, seed))


def _strata(known: Shaped[Tensor, "items ..."]) -> Shaped[Tensor, " items"]:
    """For every item what the share is drawn evenly over: its class, the mean of its values, whether it has any."""
    if known.is_floating_point():
        return known.flatten(1).nanmean(dim=1)
    return known if known.ndim == 1 else any_known(known).long() - 1

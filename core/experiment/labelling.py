"""What a run may know of its items: a table, folders, or what the recipe knows of the shipped data."""

import math
from typing import Any

import torch

from ..evaluation.fractions import label_fraction
from ..training.labels import Labels, folder_labels, read_labels
from .options import Labelling
from .recipe import ExperimentData, Label


def labels_of(data: ExperimentData[Any, Any], options: Labelling, seed: int) -> Labels | None:
    """The labels of the training items, None where there are none.

    A share of those of a table, of folders or of the recipe is hidden; labels that come with the data are used whole.

    Raises:
        ValueError: if the table, the folders or the labels do not fit the items.
    """
    if data.labels is not None:
        if len(data.labels.known) != len(data.items):
            raise ValueError(
                f"labels of {len(data.labels.known)} items were given, and there are {len(data.items)}: give one row "
                "for every item in their order, -1 (or NaN) where nothing is known"
            )
        return data.labels
    if options.labels is not None:
        if str(options.labels) == "folders":
            labels = folder_labels(data.items)
        else:
            labels = read_labels(options.labels, data.items, options.label_column, options.label_kind)
        if options.share == 1:
            return labels
        strata = labels.known[:, 0] if labels.known.is_floating_point() else labels.known
        return labels.keeping(label_fraction(strata, options.share, seed))
    if data.label is None:
        return None
    # Asking for a label may mean making the item, so only those that are shown are asked for.
    count = len(data.items)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    known: dict[int, Label] = {}
    for index in order[: math.ceil(options.share * count)].tolist():
        known[index] = data.label(index)
    if any(isinstance(label, tuple) for label in known.values()):
        rows = [known.get(index) for index in range(count)]
        return Labels.of_elements([row if isinstance(row, tuple) else None for row in rows])
    texts = [known.get(index) for index in range(count)]
    return Labels.of([text if isinstance(text, str) else None for text in texts])

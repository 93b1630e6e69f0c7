"""What a run may know of its items: a table, folders, or what the recipe knows of the shipped data."""

import math
from typing import Any

import torch

from ..evaluation import label_fraction
from ..modality.labels import Labels, folder_labels, read_labels
from .options import Learning
from .recipe import ExperimentData, Label


def labels_of(material: ExperimentData[Any, Any], learning: Learning, seed: int) -> Labels | None:
    """The labels of the training items, a share of them hidden; None where there are none.

    Raises:
        ValueError: if the table or the folders do not fit the items.
    """
    if learning.labels is not None:
        if str(learning.labels) == "folders":
            labels = folder_labels(material.items)
        else:
            labels = read_labels(learning.labels, material.items, learning.label_column, learning.label_kind)
        if learning.label_share == 1:
            return labels
        strata = labels.classes if labels.values is None else labels.values
        return labels.keeping(label_fraction(strata, learning.label_share, seed))
    if material.label is None:
        return None
    # Asking for a label may mean making the item, so only those that are shown are asked for.
    count = len(material.items)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    told: dict[int, Label] = {}
    for index in order[: math.ceil(learning.label_share * count)].tolist():
        told[index] = material.label(index)
    if any(isinstance(label, tuple) for label in told.values()):
        rows = [told.get(index) for index in range(count)]
        return Labels.of_elements([row if isinstance(row, tuple) else None for row in rows])
    texts = [told.get(index) for index in range(count)]
    return Labels.of([text if isinstance(text, str) else None for text in texts])

"""What is watched of a learner that compares nothing: whole items."""

from collections.abc import Sequence
from typing import Any

import torch

from ..data.feature_map import FeatureMap, item_means
from ..data.segmentation import Objects, Segmentation
from ..data.view import Batch
from ..optimization.progress import Progress
from .compared import Compared
from .info import BatchInfo, object_labels


def compared_items(
    batch: Batch[Any], seen: Sequence[FeatureMap], generator: torch.Generator, progress: Progress
) -> Compared:
    """What is to be watched where nothing is compared: the mean vectors of the items."""
    whole = Segmentation.whole_items(len(batch), batch.index.device)
    vectors = [item_means(features).detach()[:, None].to(features.values.dtype) for features in seen]
    present = torch.ones(len(batch), 1, dtype=torch.bool, device=batch.index.device)
    info = BatchInfo(batch.index, object_labels(batch, whole), generator, progress)
    return Compared(tuple(Objects(rows, present) for rows in vectors), (), whole, torch.zeros_like(whole.whole), info)

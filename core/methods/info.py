"""What an objective knows of a batch beside its vectors."""

from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ..data.segmentation import Objects, Segmentation
from ..data.view import Batch
from ..optimization.progress import Progress
from .targets.classes import object_classes

START = Progress(step=0, steps=1, steps_per_epoch=1)


@final
@dataclass(frozen=True)
class BatchInfo:
    """`index` numbers each item in the data set, `labels` is the class of every object, −1 where it is not known.

    `generator` gives the same numbers on all ranks, so that whatever is drawn is drawn for the joined batch.
    `progress` tells how far training has come, for temperatures and weights with a schedule. `applied` says for every
    view which alternative it was changed by, where there are any.
    """

    index: Int[Tensor, " batch"]
    labels: Int[Tensor, "batch objects"]
    generator: torch.Generator
    progress: Progress = field(default=START)
    applied: Int[Tensor, "batch views"] | None = None


def object_labels(batch: Batch[Any], segmentation: Segmentation) -> Int[Tensor, "batch objects"]:
    """The class of every object; −1 where no class is known, or values are known instead of classes."""
    if batch.labels is None or batch.labels.is_floating_point():
        return torch.full((len(batch), segmentation.objects), -1, device=batch.index.device)
    return object_classes(batch.labels, segmentation)


def no_info(objects: Objects, seed: int = 0) -> BatchInfo:
    """Items numbered in their order, no labels: for objectives that ask for none."""
    items = len(objects.present)
    device = objects.present.device
    return BatchInfo(
        torch.arange(items, device=device),
        torch.full(objects.present.shape, -1, device=device),
        torch.Generator().manual_seed(seed),
    )

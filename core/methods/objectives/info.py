"""What an objective is told of a batch beside its vectors."""

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from ...data.segmentation import Objects, Segmentation
from ...data.view import Batch


@final
@dataclass(frozen=True)
class BatchInfo:
    """`index` numbers each item in the data set, `labels` is the class of every object, −1 where it is not known.

    `generator` gives the same numbers on all ranks, so that whatever is drawn is drawn for the joined batch.
    """

    index: Int[Tensor, " batch"]
    labels: Int[Tensor, "batch objects"]
    generator: torch.Generator


def object_labels(batch: Batch[Any], segmentation: Segmentation) -> Int[Tensor, "batch objects"]:
    """The class of every object, from classes of items or of elements; −1 where no class is known.

    The objects of an item with one class have that class. Where every element of the source view has its class, an
    object has the class that weighs most in it (elements of no class do not count; a tie goes to the smaller number),
    and a whole item that of most of its elements.
    """
    items, objects = len(batch), segmentation.objects
    labels = batch.labels
    if labels is None:
        return torch.full((items, objects), -1, device=batch.index.device)
    if labels.ndim == 1:
        return labels.long()[:, None].expand(items, objects)
    weights = segmentation.weights.float()
    elements = min(labels.shape[1], weights.shape[2])
    known = torch.nn.functional.one_hot(labels.long() + 1, int(labels.max()) + 2)[..., 1:].float()
    share = weights[:, :, :elements] @ known[:, :elements]
    whole = known.sum(dim=1, keepdim=True) * (torch.arange(objects, device=labels.device) == 0)[:, None]
    share = torch.where(segmentation.whole[:, None, None], whole, share)
    if not share.shape[2]:
        return torch.full((items, objects), -1, device=labels.device)
    most, number = share.max(dim=2)
    return torch.where(most > 0, number, -1)


def nothing_known(objects: Objects, seed: int = 0) -> BatchInfo:
    """Items numbered in their order, no labels: for objectives that ask for none."""
    items = len(objects.present)
    device = objects.present.device
    return BatchInfo(
        torch.arange(items, device=device),
        torch.full(objects.present.shape, -1, device=device),
        torch.Generator().manual_seed(seed),
    )

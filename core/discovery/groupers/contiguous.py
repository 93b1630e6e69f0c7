"""Pieces of a cluster that lie apart become objects of their own."""

from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from ...components.ranges import Count, ObjectCount, check_ranges
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from .base import AbstractGrouper


@final
class Contiguous(AbstractGrouper):
    """Splits every object of another grouper into its contiguous runs along the first axis of the grid.

    k-means finds types; what one wants of a soundscape is instances. Runs shorter than `shortest` elements join the
    run before them. At most `objects` runs are kept: the shortest surplus runs join the run before them too.

    Only one axis is run-length decoded, so features must lie on a grid of one axis.
    """

    def __init__(self, grouper: AbstractGrouper, objects: ObjectCount, shortest: Count = 1) -> None:
        super().__init__()
        self.grouper = grouper
        self.objects = objects
        self.shortest = shortest
        check_ranges(self)

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """Hard segments, numbered along the axis."""
        if features.grid is None or len(features.grid.shape) != 1:
            raise ValueError("runs need a grid of one axis; use the grouper without Contiguous on other elements")
        labels = self.grouper(features, generator).labels()
        return Segmentation.from_labels(runs(labels, self.objects, self.shortest), self.objects, features.places)


def runs(labels: Int[Tensor, "batch elements"], objects: int, shortest: int) -> Int[Tensor, "batch elements"]:
    """Number the contiguous runs of equal labels; −1 stays −1.

    Example:
        >>> runs(torch.tensor([[4, 4, 1, 4, 4, 4, -1]]), objects=3, shortest=1).tolist()
        [[0, 0, 1, 2, 2, 2, -1]]
        >>> runs(torch.tensor([[4, 4, 1, 4, 4, 4, -1]]), objects=3, shortest=2).tolist()
        [[0, 0, 0, 1, 1, 1, -1]]
    """
    valid = labels >= 0
    starts = torch.ones_like(valid)
    starts[:, 1:] = labels[:, 1:] != labels[:, :-1]
    number = starts.cumsum(dim=1) - 1
    length = torch.zeros_like(labels).scatter_add(1, number, valid.to(labels.dtype))
    # Keep a run if it is long enough and among the longest `objects`; the first run of an item always stays.
    order = length.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    keep = (length >= shortest) & (order < objects)
    first = number.gather(1, valid.to(torch.int8).argmax(dim=1, keepdim=True))
    keep.scatter_(1, first, True)
    crowded = keep.sum(dim=1, keepdim=True) > objects
    keep &= ~(crowded & (order == objects - 1))
    renumbered = keep.to(labels.dtype).cumsum(dim=1) - 1
    return torch.where(valid, renumbered.gather(1, number), -1)

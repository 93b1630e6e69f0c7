"""Grouping along the first axis of a grid alone."""

from typing import final

import torch
from einops import rearrange, repeat
from torch import Tensor

from ...data.course import Course
from ...data.feature_map import FeatureMap, Grid
from ...data.segmentation import Segmentation
from .base import AbstractGrouper
from .long import group_long


@final
class Along(AbstractGrouper):
    """Averages the features over all axes but the first, groups along it, and spreads the objects over all elements.

    So events in time are found in features of time and frequency.

    Features on a grid of one axis, and sets, are passed on as they are.
    """

    def __init__(self, grouper: AbstractGrouper) -> None:
        super().__init__()
        self.grouper = grouper

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """Segments that differ along the first axis only."""
        return _spread(self.grouper(along_first_axis(features), generator), features)

    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:
        """As `forward`, for one item of any length."""
        return _spread(group_long(self.grouper, along_first_axis(features), window, generator), features)


def _spread(found: Segmentation, features: FeatureMap) -> Segmentation:
    """Objects along the first axis on all elements."""
    if features.grid is None or len(features.grid.shape) == 1:
        return found
    first, rest = features.grid.shape[0], features.grid.elements // features.grid.shape[0]
    weights = repeat(found.weights, "b k t -> b k (t r)", t=first, r=rest) * features.valid[:, None]
    return Segmentation(weights, features.places, found.whole)


def along_first_axis(features: FeatureMap) -> FeatureMap:
    """Features averaged over the valid elements of all axes of the grid but the first.

    Example:
        >>> grid = Grid.uniform((2, 2), (1.0, 1.0))
        >>> values, valid = torch.tensor([[[1.0], [3.0], [5.0], [5.0]]]), torch.ones(1, 4, dtype=torch.bool)
        >>> along_first_axis(FeatureMap(values, valid, grid)).values.flatten().tolist()
        [2.0, 5.0]
    """
    if features.grid is None or len(features.grid.shape) == 1:
        return features
    rest = features.grid.elements // features.grid.shape[0]
    valid: Tensor = rearrange(features.valid, "b (t r) -> b t r", r=rest)
    values = rearrange(features.values.float(), "b (t r) d -> b t r d", r=rest)
    share = valid / valid.sum(dim=2, keepdim=True).clamp(min=1)
    mean = torch.where(valid[..., None], values, 0.0).mul(share[..., None]).sum(dim=2)
    return FeatureMap(mean, valid.any(dim=2), Grid((features.grid.edges[0],)))

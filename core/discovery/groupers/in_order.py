"""Elements of a set, grouped along their order."""

from typing import final

import torch

from ...data.course import Course
from ...data.feature_map import FeatureMap, Grid
from ...data.segmentation import Segmentation
from .base import AbstractGrouper
from .long import group_long


@final
class InOrder(AbstractGrouper):
    """Lays the elements of a set in a row, one apart, for a grouper that needs an axis.

    Words are a set, so that a view may drop, move and insert them; but their order means something, and change points,
    runs and positions are found along it. Elements on a grid are passed on as they are.

    Example:
        >>> from gestalt.core.discovery.groupers import Contiguous, KMeans
        >>> x = torch.tensor([[[0.0, 1], [0, 1.1], [5, 0], [5, 0.1], [0, 1]]])
        >>> words = FeatureMap(x, torch.ones(1, 5, dtype=torch.bool))
        >>> InOrder(Contiguous(KMeans(2), objects=4))(words, torch.Generator().manual_seed(0)).labels().tolist()
        [[0, 0, 1, 1, 2]]
    """

    def __init__(self, grouper: AbstractGrouper) -> None:
        super().__init__()
        self.grouper = grouper

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """The segments of the grouper, of a set again."""
        if features.grid is not None:
            plain: Segmentation = self.grouper(features, generator)
            return plain
        found: Segmentation = self.grouper(_in_a_row(features), generator)
        return Segmentation(found.weights, None, found.whole)

    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:
        """As `forward`, for one item of any length."""
        if features.grid is not None:
            return group_long(self.grouper, features, window, generator)
        found = group_long(self.grouper, _in_a_row(features), window, generator)
        return Segmentation(found.weights, None, found.whole)


def _in_a_row(features: FeatureMap) -> FeatureMap:
    row = Grid.uniform((features.values.shape[1],), (1.0,))
    return FeatureMap(features.values, features.valid, row)

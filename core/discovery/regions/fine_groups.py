"""Fine segments by another grouper."""

from dataclasses import dataclass
from typing import Any, final

import torch

from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from ..concat_features import ConcatFeatures
from ..groupers.base import AbstractGrouper
from ..groupers.long import group_long
from .base import AbstractOverSegmentation, FineSegments, Seen


@final
@dataclass(frozen=True)
class FineGroups(AbstractOverSegmentation):
    """What a grouper finds that is asked for many small segments, in plain features beside the learned ones.

    Args:
        grouper: such as `ChangePoints` with a low penalty: cuts wherever plain or learned features change.
        extra_features: puts plain features beside the learned ones; None: learned ones alone.

    Example:
        >>> from gestalt.core.data.feature_map import Grid
        >>> from gestalt.core.discovery.groupers import ChangePoints
        >>> x = torch.tensor([[[0.0], [0.0], [3.0], [4.0]]])
        >>> features = FeatureMap(x, torch.ones(1, 4, dtype=torch.bool), Grid.uniform((4,), (1.0,)))
        >>> FineGroups(ChangePoints(0.001)).cut(features, None, torch.Generator()).labels.tolist()
        [[0, 0, 1, 2]]
    """

    grouper: AbstractGrouper
    extra_features: ConcatFeatures | None = None

    def look(self, data: Any, features: FeatureMap) -> Seen | None:
        """The plain features of every element."""
        return None if self.extra_features is None else self.extra_features.look(data, features)

    def cut(
        self, features: FeatureMap, seen: Seen | None, generator: torch.Generator, window: int | Course | None = None
    ) -> FineSegments:
        """What the grouper finds.

        Raises:
            TypeError: if `seen` are fine segments.
        """
        if isinstance(seen, FineSegments):
            raise TypeError("FineGroups cuts by numbers of every element, got fine segments")
        both = features if self.extra_features is None or seen is None else self.extra_features.beside(features, seen)
        found: Segmentation = (
            self.grouper(both, generator) if window is None else group_long(self.grouper, both, window, generator)
        )
        return FineSegments(found.labels(), features.grid)

"""Fine segments by another grouper."""

from dataclasses import dataclass
from typing import Any, final

import torch

from ...data.feature_map import FeatureMap
from ..concat_features import ConcatFeatures
from ..groupers.base import AbstractGrouper
from .base import AbstractOverSegmentation, FineSegments


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
        >>> FineGroups(ChangePoints(0.001))(features, None, torch.Generator()).labels.tolist()
        [[0, 0, 1, 2]]
    """

    grouper: AbstractGrouper
    extra_features: ConcatFeatures | None = None

    def __call__(self, features: FeatureMap, data: Any, generator: torch.Generator) -> FineSegments:
        """The fine segments of a batch."""
        seen = features if self.extra_features is None else self.extra_features(features, data)
        return FineSegments(self.grouper(seen, generator).labels(), features.grid)

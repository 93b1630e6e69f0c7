"""A grouper: cuts at the widest gaps between neighbours."""

from typing import final

import torch

from gestalt import AbstractGrouper, FeatureMap, Segmentation
from gestalt.core.components.ranges import ObjectCount, Share, check_ranges


@final
class Gaps(AbstractGrouper):
    """Cuts a sequence where neighbours differ most: at most `objects − 1` times.

    d_i = ‖x_{i+1} − x_i‖; a cut goes between i and i + 1 where d_i is among the greatest and above `least` · max_j d_j.

    Args:
        objects: greatest number of stretches per item.
        least: a smaller share of the item's greatest difference is no gap.

    Features must lie on a grid of one axis.

    Example:
        >>> x = torch.tensor([[[0.0], [0.1], [5.0], [5.0], [9.0]]])
        >>> from gestalt import Grid
        >>> features = FeatureMap(x, torch.ones(1, 5, dtype=torch.bool), Grid.uniform((5,), (1.0,)))
        >>> Gaps(objects=2)(features, torch.Generator()).labels().tolist()
        [[0, 0, 1, 1, 1]]
    """

    def __init__(self, objects: ObjectCount = 8, least: Share = 0.3) -> None:
        super().__init__()
        self.objects, self.least = objects, least
        check_ranges(self)

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Hard segments, numbered along the sequence; nothing is drawn at random.

        Raises:
            ValueError: if the features do not lie on a grid of one axis.
        """
        if features.grid is None or len(features.grid.shape) != 1:
            raise ValueError("gaps need elements along one axis; use another grouper for sets and images")
        values = features.values.float()
        both = features.valid[:, 1:] & features.valid[:, :-1]
        gap = torch.where(both, (values[:, 1:] - values[:, :-1]).norm(dim=-1), 0.0)
        rank = gap.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        widest = gap.amax(dim=1, keepdim=True)
        cut = (rank < self.objects - 1) & (gap > self.least * widest) & (gap > 0)
        labels = torch.nn.functional.pad(cut.long(), (1, 0)).cumsum(dim=1)
        return Segmentation.from_labels(torch.where(features.valid, labels, -1), self.objects, features.grid)

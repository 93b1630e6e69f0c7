"""Cuts where neighbours differ more than the neighbours beside them do."""

from typing import final

import torch

from ...components.ranges import ObjectCount, check_ranges
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from ..concat_features import standardised
from .base import AbstractGrouper

ALIKE = 1e-6
"""Neighbours closer than this are the same but for rounding, and no cut goes between them."""


@final
class Seams(AbstractGrouper):
    """Cuts a sequence between the elements i and i + 1 where their distance is a local maximum.

    d_i = 1 − cos(x_i, x_{i+1}) with x standardised over the item; a cut where d_{i−1} < d_i ≥ d_{i+1}. Change points
    look for stretches of like elements. Seams look for weak links, and so for objects whose parts differ but belong
    together: an article, an adjective and a noun. Every object has two elements at least, but at the ends.

    Args:
        objects: greatest number of stretches per item; of more cuts, the widest are kept.

    Features must lie on a grid of one axis.

    Source: TextTiling (Hearst, 1997) cuts texts at valleys of similarity; here the unit is one element, without depth.

    Example:
        >>> from gestalt.core.data.feature_map import Grid
        >>> x = torch.tensor([[[1.0, 0], [1, 0.5], [0, 1], [-1, 0], [-1, -0.5]]])
        >>> features = FeatureMap(x, torch.ones(1, 5, dtype=torch.bool), Grid.uniform((5,), (1.0,)))
        >>> Seams(objects=4)(features, torch.Generator()).labels().tolist()
        [[0, 0, 0, 1, 1]]
    """

    def __init__(self, objects: ObjectCount = 64) -> None:
        super().__init__()
        self.objects = objects
        check_ranges(self)

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Hard segments, numbered along the sequence; nothing is drawn at random.

        Raises:
            ValueError: if the features do not lie on a grid of one axis.
        """
        if features.grid is None or len(features.grid.shape) != 1:
            raise ValueError("seams need elements along one axis; use another grouper for sets and images")
        unit = torch.nn.functional.normalize(standardised(features), dim=-1)
        both = features.valid[:, 1:] & features.valid[:, :-1]
        width = torch.where(both, (unit[:, 1:] - unit[:, :-1]).square().sum(dim=-1) / 2, -torch.inf)
        beside = torch.nn.functional.pad(width, (1, 1), value=-torch.inf)
        seam = (width > ALIKE) & (width > beside[:, :-2]) & (width >= beside[:, 2:])
        order = torch.where(seam, width, -torch.inf).argsort(dim=1, descending=True, stable=True)
        seam &= order.argsort(dim=1) < self.objects - 1
        labels = torch.nn.functional.pad(seam.long(), (1, 0)).cumsum(dim=1)
        return Segmentation.from_labels(torch.where(features.valid, labels, -1), self.objects, features.places)

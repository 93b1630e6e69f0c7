"""Items with parts, grouped part by part."""

from typing import final

import torch

from ...data.feature_map import FeatureMap
from ...data.parts import joined_segments, parts_of
from ...data.places import Parts
from ...data.segmentation import Segmentation
from .base import AbstractGrouper


@final
class PartByPart(AbstractGrouper):
    """Objects of every part of an item by itself: for groupers that need elements of one lattice or one set.

    No object spans parts; those of the second part have the numbers behind those of the first. Items without parts are
    passed on as they are.

    Example:
        >>> from gestalt.core.data.parts import joined
        >>> from gestalt.core.discovery.groupers import KMeans
        >>> x = FeatureMap(torch.tensor([[[0.0], [9.0]]]), torch.ones(1, 2, dtype=torch.bool))
        >>> grouper = PartByPart(KMeans(2, spherical=False))
        >>> sorted(grouper(joined({"a": x, "b": x}), torch.Generator().manual_seed(0)).labels()[0].tolist())
        [0, 1, 2, 3]
    """

    def __init__(self, grouper: AbstractGrouper) -> None:
        super().__init__()
        self.grouper = grouper

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """The segments of the grouper, part after part."""
        if not isinstance(features.places, Parts):
            plain: Segmentation = self.grouper(features, generator)
            return plain
        found, first = dict[str, Segmentation](), 0
        for name, part in parts_of(features).items():
            own = self.grouper(part, generator) if part.valid.shape[1] else _nothing(part)
            before = own.weights.new_zeros(len(own.weights), first, own.weights.shape[2])
            found[name] = Segmentation(torch.cat([before, own.weights], dim=1), own.places, own.whole)
            first += own.objects
        joined = joined_segments(found)
        return Segmentation(joined.weights, features.places, joined.whole)


def _nothing(part: FeatureMap) -> Segmentation:
    """A part that no item has."""
    return Segmentation.from_labels(torch.full_like(part.valid, -1, dtype=torch.long), 1, part.places)

"""Items with parts, grouped part by part."""

from typing import final

import torch

from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.parts import joined_segments, parts_of
from ...data.places import Parts
from ...data.segmentation import Segmentation
from .base import AbstractGrouper
from .long import group_long


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
        return _joined({name: self._of_part(part, generator) for name, part in parts_of(features).items()}, features)

    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:
        """As `forward`, for one item of any length: each part as it would be alone."""
        if not isinstance(window, Course):
            return group_long(self.grouper, features, window, generator)
        found = grouped_long(self.grouper, features, window, generator)
        return _joined(
            {name: found[name] if name in found else _nothing(part) for name, part in parts_of(features).items()},
            features,
        )

    def _of_part(self, part: FeatureMap, generator: torch.Generator) -> Segmentation:
        found: Segmentation = self.grouper(part, generator) if part.valid.shape[1] else _nothing(part)
        return found


def grouped_long(
    grouper: AbstractGrouper, features: FeatureMap, course: Course, generator: torch.Generator
) -> dict[str, Segmentation]:
    """The objects of every part that an item of any length has, by itself: of one that lasts, all at once."""
    found = dict[str, Segmentation]()
    for name, part in parts_of(features).items():
        strand = course.strands[name]
        if strand.count and strand.cells is None:
            found[name] = grouper(part, generator)
        elif strand.count:
            found[name] = group_long(grouper, part, strand.usual, generator)
    return found


def _joined(parts: dict[str, Segmentation], features: FeatureMap) -> Segmentation:
    """Objects of all parts, those of the second part under the numbers behind those of the first."""
    found, first = dict[str, Segmentation](), 0
    for name, own in parts.items():
        before = own.weights.new_zeros(len(own.weights), first, own.weights.shape[2])
        found[name] = Segmentation(torch.cat([before, own.weights], dim=1), own.places, own.whole)
        first += own.objects
    joined = joined_segments(found)
    return Segmentation(joined.weights, features.places, joined.whole)


def _nothing(part: FeatureMap) -> Segmentation:
    """A part that no item has."""
    return Segmentation.from_labels(torch.full_like(part.valid, -1, dtype=torch.long), 1, part.places)

"""Objects that are the same over a whole data set."""

from typing import final

import torch

from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from ..codebook import Codebook
from .base import AbstractGrouper


@final
class ByCodebook(AbstractGrouper):
    """Every element belongs to the object of its cluster over the data set; object k of one item is object k of all.

    Args:
        codebook: fitted to vectors of the finder's space and level, its clusters merged perhaps (`with_communities`).

    Example:
        >>> features = FeatureMap.padded([torch.tensor([[2.0, 0.1], [0.0, 1.0], [1.0, 0.0]])])
        >>> book = Codebook.of(torch.eye(2), torch.tensor([0, -1]))
        >>> ByCodebook(book)(features, torch.Generator()).labels().tolist()
        [[0, -1, 0]]
    """

    def __init__(self, codebook: Codebook | None = None) -> None:
        super().__init__()
        self.codebook = Codebook() if codebook is None else codebook

    @torch.no_grad()
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Hard segments; nothing is drawn at random.

        Raises:
            ValueError: if the codebook was never fitted, or is of other vectors.
        """
        values = torch.where(features.valid[..., None], features.values.float(), 0.0)
        labels = torch.where(features.valid, self.codebook.objects_of(values), -1)
        objects = max(1, int(self.codebook.objects.max()) + 1)
        return Segmentation.from_labels(labels, objects, features.places)

    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """As `forward`: no element depends on another."""
        found: Segmentation = self(features, generator)
        return found

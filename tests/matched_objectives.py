"""Objectives that find by likeness which objects belong together."""

from collections.abc import Callable

import torch

from gestalt.core.data.segmentation import Elements, Objects
from gestalt.core.methods.objectives import AbstractObjective, MatchedObjects
from tests.implementations import seeded

ALIKE: dict[str, Callable[[int, int], AbstractObjective]] = {
    "matched objects": lambda _dim, _views: MatchedObjects(0.2),
    "matched objects, those of one view": lambda _dim, _views: MatchedObjects(0.3, asking=1, learned=False),
    "matched segments, those of one view": lambda _dim, _views: MatchedObjects(0.3, asking=0, segments=True),
}
"""Those that find by likeness which objects belong together: none needs to be shared. Their laws: `test_matched`."""


def in_elements(objects: Objects, seed: int) -> Objects:
    """The same objects, each made of two random elements whose mean it is."""
    items, count, dim = objects.vectors.shape
    apart = torch.randn(items, count, dim, generator=seeded(seed))
    vectors = torch.cat([objects.vectors + apart, objects.vectors - apart], dim=1)
    weights = torch.eye(count).repeat(1, 2) * objects.present[..., None].float()
    return Objects(objects.vectors, objects.present, Elements(vectors, weights))

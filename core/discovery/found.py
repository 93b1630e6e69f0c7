"""Discovered objects of a few items, on their way to whoever writes or measures them."""

from dataclasses import dataclass
from typing import Generic, TypeVar, final

from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class FoundBatch(Generic[ItemT]):
    """Some items in their order: their numbers in the data set, themselves, hidden features, and objects.

    `features` and `segmentation` are on the CPU, of the same elements, padded as the batch was. `fine` are the objects
    on a lattice of their own, where the finder knows finer outlines than the features' elements; None where not.
    """

    index: tuple[int, ...]
    items: tuple[ItemT, ...]
    features: FeatureMap
    segmentation: Segmentation
    fine: Segmentation | None = None

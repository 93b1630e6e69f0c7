"""Discovered objects of a few items, on their way to whoever writes or measures them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Named:
    """What objects are called, where a model says it.

    Attributes:
        names: of the classes. An object whose number is n is of class `names[n % len(names)]`, so that the numbers of
            objects tell them apart as ever.
        scores: how sure it is of every element.
    """

    names: tuple[str, ...]
    scores: Float[Tensor, "items elements"]

    def name(self, number: int) -> str:
        """What the object of that number is called."""
        return self.names[number % len(self.names)]


@final
@dataclass(frozen=True)
class FoundBatch(Generic[ItemT]):
    """Some items in their order: their numbers in the data set, themselves, hidden features, and objects.

    `features` and `segmentation` are on the CPU, of the same elements, padded as the batch was. `fine` are the objects
    on a lattice of their own, where the finder knows finer outlines than the features' elements; None where not.
    `named` says what objects are called; None where nobody knows.

    `numbers` says which number every object of an item has in the whole that the item is a window of, −1 beyond the
    last; None where objects are those of the item alone.
    """

    index: tuple[int, ...]
    items: Sequence[ItemT]
    features: FeatureMap
    segmentation: Segmentation
    numbers: Int[Tensor, "items objects"] | None = None
    fine: Segmentation | None = None
    named: Named | None = None

    def object_numbers(self) -> Int[Tensor, "items objects"]:
        """The number of every object in its whole; where there is none, its number in the item."""
        if self.numbers is not None:
            return self.numbers
        return torch.arange(self.segmentation.objects).expand(len(self.index), -1)

    def labels(self) -> Int[Tensor, "items elements"]:
        """The heaviest object of every element by its number in the whole, −1 where there is none."""
        labels = self.segmentation.labels()
        return torch.where(labels >= 0, self.object_numbers().gather(1, labels.clamp(min=0)), -1)

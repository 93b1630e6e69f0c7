"""Found objects with the type of each, on their way to whoever writes or shows them."""

from dataclasses import dataclass, replace
from typing import Generic, TypeVar, final

import torch
from jaxtyping import Int
from torch import Tensor

from .found import FoundBatch

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class TypedBatch(Generic[ItemT]):
    """Some items with their objects.

    Attributes:
        found: the objects.
        types: the type of every object of every item, by its place among the batch's objects; −1 for none.
    """

    found: FoundBatch[ItemT]
    types: Int[Tensor, "items objects"]

    def coded(self, count: int) -> FoundBatch[ItemT]:
        """The same batch, whose object numbers say their type as well: number in the whole · `count` + type.

        So what a border between two windows cuts is joined where both halves are of one type. Objects of no type are in
        no object.

        Args:
            count: types that there are.

        Example:
            >>> from gestalt.core.data.feature_map import FeatureMap
            >>> from gestalt.core.data.segmentation import Segmentation
            >>> labels = torch.tensor([[0, 0, 1, 2]])
            >>> features = FeatureMap(torch.zeros(1, 4, 1), torch.ones(1, 4, dtype=torch.bool))
            >>> found = FoundBatch((0,), ("item",), features, Segmentation.from_labels(labels, 3))
            >>> TypedBatch(found, torch.tensor([[1, -1, 0]])).coded(2).labels().tolist()
            [[1, 1, -1, 4]]
        """
        numbers = self.found.object_numbers()
        return replace(self.found, numbers=torch.where(self.types >= 0, numbers * count + self.types, -1))

    def by_type(self) -> FoundBatch[ItemT]:
        """The same batch, whose object numbers are the types."""
        return replace(self.found, numbers=self.types)

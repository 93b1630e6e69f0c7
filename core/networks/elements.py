"""What an encoder in two steps can say of elements before it mixes them: what is hidden, and can be predicted."""

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Int
from torch import Tensor

from ..data.feature_map import FeatureMap


@runtime_checkable
class DescribesElements(Protocol):
    """An encoder that knows what each of its elements is, in numbers: the pixels of a patch, the features of a node."""

    @property
    def element_values(self) -> int:
        """How many numbers."""
        ...

    def element_targets(self, data: Any) -> FeatureMap:
        """The numbers of every element, on the elements of its tokens; NaN where an element has no such number."""
        ...


@runtime_checkable
class ClassifiesElements(Protocol):
    """An encoder whose elements are of classes by nature: words, atoms."""

    @property
    def element_classes(self) -> int:
        """How many classes; 0 where the data have none."""
        ...

    def classes_of_elements(self, data: Any) -> Int[Tensor, "batch elements"]:
        """The class of every element; of padding any."""
        ...


@runtime_checkable
class ClassifiesSome(Protocol):
    """An encoder that classifies elements, but maybe not all: those of some parts have no classes, which is −1."""

    @property
    def all_classified(self) -> bool:
        """Whether every element has a class."""
        ...

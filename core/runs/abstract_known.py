"""The interface of what is known of the items of a data set."""

import abc
from typing import Generic, TypeVar

from jaxtyping import Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..methods.targets import AbstractTarget

ItemT = TypeVar("ItemT")


class AbstractKnown(abc.ABC, Generic[ItemT]):
    """What is known of numbered items.

    Attributes:
        note: what was not used of where it is written, in a line.
        said: which column of a table it is where that is not clear, and which classes are likely one, in a line.
    """

    note: str = ""
    said: str = ""

    @abc.abstractmethod
    def numbers(self) -> list[int]:
        """The items of which something may be known; nothing is read for it."""

    @abc.abstractmethod
    def of(self, number: int, item: ItemT, features: FeatureMap) -> Shaped[Tensor, "1 ..."] | None:
        """What is known of one item, or of its elements, in the form of `target`; None for nothing.

        Raises:
            BadItemError: if it cannot be read.
        """

    @abc.abstractmethod
    def target(self) -> AbstractTarget:
        """What it is, by all that was asked for so far."""

    @abc.abstractmethod
    def settled(self, known: Shaped[Tensor, "*rows"]) -> tuple[AbstractTarget, Shaped[Tensor, "*rows"]]:
        """The target when everything was asked for, and what is known in its final form."""

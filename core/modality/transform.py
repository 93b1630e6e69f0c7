"""Transforms that state their correspondence as they act, and the views made of them."""

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np

from ..data.correspondence import AbstractCorrespondence

ItemT = TypeVar("ItemT")


class AbstractTransform(abc.ABC, Generic[ItemT]):
    """One change to one item."""

    @abc.abstractmethod
    def __call__(self, item: ItemT, rng: np.random.Generator) -> tuple[ItemT, AbstractCorrespondence]:
        """The changed item, and which element of `item` each of its elements shows (a batch of one).

        `rng` is the only source of randomness; `item` itself is never changed.
        """


@final
class Chain(AbstractTransform[ItemT]):
    """Transforms in a row, each with its probability; the correspondence is the composition.

    Args:
        identity: the correspondence of an item to itself.
        steps: pairs (probability, transform); none leaves the item as it is.
    """

    def __init__(
        self,
        identity: Callable[[ItemT], AbstractCorrespondence],
        steps: Sequence[tuple[float, AbstractTransform[ItemT]]] = (),
    ) -> None:
        for probability, transform in steps:
            if not 0 <= probability <= 1:
                raise ValueError(f"a probability lies in [0, 1], got {probability} for {transform}")
        self.identity = identity
        self.steps = tuple(steps)

    def __call__(self, item: ItemT, rng: np.random.Generator) -> tuple[ItemT, AbstractCorrespondence]:
        """Apply each step with its probability."""
        correspondence = self.identity(item)
        for probability, transform in self.steps:
            if rng.random() < probability:
                item, second = transform(item, rng)
                correspondence = correspondence.then(second)
        return item, correspondence


@final
@dataclass(frozen=True)
class Views(Generic[ItemT]):
    """How views are made of an item: the source transform first, then from its result every view.

    The source (v0 of the Odin patent) is the whole item, or a part of it that spans all the views.
    """

    source: AbstractTransform[ItemT]
    views: tuple[AbstractTransform[ItemT], ...]

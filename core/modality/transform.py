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

    Attributes:
        source: makes the source of an item.
        views: make the views of the source.
        alternatives: one of them is applied to each view in the end, for a network that learns to tell which. They go
            through the views of an item in a random order, so that with as many views each is applied once.
    """

    source: AbstractTransform[ItemT]
    views: tuple[AbstractTransform[ItemT], ...]
    alternatives: tuple[AbstractTransform[ItemT], ...] = ()

    def seen(
        self, source: ItemT, rng: np.random.Generator
    ) -> tuple[tuple[tuple[ItemT, AbstractCorrespondence], ...], tuple[int, ...]]:
        """The views of a source, and the number of the alternative that each was changed by; none without any.

        Alternatives are drawn last: before them, views are what they are without.
        """
        views = tuple(view(source, rng) for view in self.views)
        if not self.alternatives:
            return views, ()
        order = rng.permutation(len(self.alternatives)).tolist()
        applied = tuple(order[place % len(order)] for place in range(len(views)))
        changed = list[tuple[ItemT, AbstractCorrespondence]]()
        for (item, correspondence), number in zip(views, applied, strict=True):
            item, second = self.alternatives[number](item, rng)
            changed.append((item, correspondence.then(second)))
        return tuple(changed), applied

"""Transforms that state their correspondence as they act, and the views made of them."""

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ..data.correspondence import AbstractCorrespondence
from .batch_changes import AbstractBatchChange, BatchChanges

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
class Seen(Generic[ItemT]):
    """The views of one source.

    Attributes:
        views: each with its correspondence.
        applied: the number of the alternative by which each was changed in the end; none without any.
        drawn: what is still to be done to each, see `Views.finishing`; none where nothing is.
    """

    views: tuple[tuple[ItemT, AbstractCorrespondence], ...]
    applied: tuple[int, ...] = ()
    drawn: tuple[Float[Tensor, " numbers"], ...] = ()


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
        finishing: what is done to batches of each view afterwards; none where views are made whole, item by item.
    """

    source: AbstractTransform[ItemT]
    views: tuple[AbstractTransform[ItemT], ...]
    alternatives: tuple[AbstractTransform[ItemT], ...] = ()
    finishing: tuple[BatchChanges, ...] = ()

    def seen(self, source: ItemT, rng: np.random.Generator) -> Seen[ItemT]:
        """The views of a source.

        Alternatives are drawn last: before them, views are what they are without.
        """
        views, drawn = list[tuple[ItemT, AbstractCorrespondence]](), list[Tensor]()
        for number, view in enumerate(self.views):
            views.append(view(source, rng))
            if self.finishing:
                drawn.append(self.finishing[number].draw(rng))
        if not self.alternatives:
            return Seen(tuple(views), drawn=tuple(drawn))
        order = rng.permutation(len(self.alternatives)).tolist()
        applied = tuple(order[place % len(order)] for place in range(len(views)))
        changed = list[tuple[ItemT, AbstractCorrespondence]]()
        for (item, correspondence), number in zip(views, applied, strict=True):
            item, second = self.alternatives[number](item, rng)
            changed.append((item, correspondence.then(second)))
        return Seen(tuple(changed), applied, tuple(drawn))

    def on_batches(self) -> "Views[ItemT]":
        """The same views, the last transforms of each made to batches as far as they can be.

        The views are the same, with the same random numbers, but for rounding: these are drawn where they were.

        Raises:
            ValueError: if no transform can be made to batches, or views end with alternatives, which come after them.
        """
        if self.alternatives:
            raise ValueError(
                "views that end with one of several changes, to tell which it was, are made item by item; leave out "
                "--batch-transforms"
            )
        split = [_split(view) for view in self.views]
        if not any(finish.steps for _, finish in split):
            raise ValueError(
                "no view here ends with a transform that can be made to a batch (of those that ship, changes of the "
                "colours of pictures and blur can); leave out --batch-transforms"
            )
        return Views(self.source, tuple(view for view, _ in split), finishing=tuple(finish for _, finish in split))


def _split(view: AbstractTransform[ItemT]) -> tuple[AbstractTransform[ItemT], BatchChanges]:
    """A view without the last transforms that can be made to batches, and these."""
    last = list[tuple[float, AbstractBatchChange]]()
    if not isinstance(view, Chain):
        return view, BatchChanges(())
    steps = list(view.steps)
    while steps and isinstance(steps[-1][1], AbstractBatchChange):
        probability, change = steps.pop()
        assert isinstance(change, AbstractBatchChange)
        last.insert(0, (probability, change))
    return Chain(view.identity, steps), BatchChanges(tuple(last))

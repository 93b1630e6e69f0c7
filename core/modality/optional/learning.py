"""What a modality may offer to methods: choices to tell apart, numbers to predict, objects to set elsewhere."""

from collections.abc import Mapping
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np

from ...data.masks import ItemMasks
from ..transform import AbstractTransform
from ..transplant import Transplant

ItemT = TypeVar("ItemT")
ShownT = TypeVar("ShownT", contravariant=True)


@runtime_checkable
class OffersChoices(Protocol[ItemT]):
    """Transforms among which a network can tell the one that was applied: four rotations, forwards and backwards."""

    @property
    def choices(self) -> Mapping[str, Mapping[str, AbstractTransform[ItemT]]]:
        """Every choice by its name, with two or more alternatives by their names; the first is what one gets unasked.

        Alternatives differ in what they are named for alone: where one of them resamples, cuts or joins, so do the
        others, or the network learns to see that.
        """
        ...


@runtime_checkable
class IsSequence(Protocol):
    """Elements follow one another: along the first axis of their grid, or in the order of a set."""

    @property
    def sequence(self) -> bool:
        """Whether they do."""
        ...


@runtime_checkable
class ComputesTargets(Protocol[ShownT]):
    """Numbers that are computed from an item and that a network can learn to predict: computed targets."""

    def computed(self, item: ShownT) -> Mapping[str, float]:
        """Each number by its name, the same names for every item of a data set; NaN for what cannot be computed.

        It runs in the processes that read the data, for every item of every batch: what takes long is to be kept. It
        depends on nothing but the item. The unit of a number does not matter, since its rank is what is predicted.
        """
        ...


@runtime_checkable
class TransplantsObjects(Protocol[ItemT]):
    """Objects of one item set into another: the same object in other surroundings, known exactly."""

    def transplant(
        self, host: ItemT, donor: ItemT, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[ItemT] | None:
        """Set a part of the donor into the host, changed as a view of it may be (its size, its colours, its pitch).

        Args:
            host: what the part is set into; never changed.
            donor: where it comes from; never changed.
            part: which elements of the donor it is: 0 or more, −1 is not; on a grid of any fineness.
            rng: the only source of randomness.

        Returns:
            The composed item, or None where this part cannot be set into this host: it is too large, or cut off by
            the border of the donor.
        """
        ...

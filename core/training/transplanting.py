"""Objects of other items of the data set, set into the items that a step asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from ..data.items import AbstractItems, BadItemError, Skipped
from ..data.masks import AbstractMasks, ItemMasks
from ..data.transplants import Transplants, composed, part_of
from ..modality.transplant import Transplant

ItemT = TypeVar("ItemT")

DONORS = 4
"""So many other items are tried for every object, and in each of them"""
OBJECTS = 3
"""so many objects, until one can be set in."""
OWN = 1
"""Sets these random numbers apart from those of the views."""

SetIn = Callable[[ItemT, ItemT, ItemMasks, np.random.Generator], Transplant[ItemT] | None]
"""`TransplantsObjects.transplant` of a modality: host, donor, part, rng."""


@final
@dataclass(frozen=True)
class ObjectTransplants(Generic[ItemT]):
    """What a run's items get of one another.

    Attributes:
        transplant: how a part of one item is set into another, as the modality has it.
        options: how often, how many, how large.
        spared: items that stay as they are. What is known of a whole item (its class, a measured value) need not hold
            of what comes of it.
    """

    transplant: SetIn[ItemT]
    options: Transplants
    spared: frozenset[int] = frozenset()


@final
class Transplanting(Generic[ItemT]):
    """Sets objects of the items with masks into one another.

    Args:
        items: the data set: hosts and donors.
        masks: the objects of its items.
        transplants: how, and which.
        skip_bad: donors that cannot be read are passed over, instead of stopping.
    """

    def __init__(
        self,
        items: AbstractItems[ItemT],
        masks: AbstractMasks[ItemT],
        transplants: ObjectTransplants[ItemT],
        skip_bad: bool,
    ) -> None:
        self.items = items
        self.masks = masks
        self.transplants = transplants
        self.skip_bad = skip_bad

    @cached_property
    def donors(self) -> NDArray[np.integer]:
        """The numbers of the items that have masks."""
        return np.array([index for index in range(len(self.items)) if self.masks.has(index)], dtype=np.int64)

    def __call__(
        self, index: int, item: ItemT, masks: ItemMasks, numbers: Sequence[int]
    ) -> tuple[ItemT, ItemMasks, list[Skipped]]:
        """Item `index` with what was set into it, the masks of that, and donors that could not be read.

        Args:
            index: the number of the item.
            item: as it was read; never changed.
            masks: its own.
            numbers: everything random follows from these.

        Raises:
            BadItemError: for a donor that cannot be read, unless `skip_bad`.
        """
        options, skipped = self.transplants.options, list[Skipped]()
        rng = np.random.default_rng([*numbers, OWN])
        if index in self.transplants.spared or rng.random() >= options.chance:
            return item, masks, skipped
        for _ in range(int(rng.integers(1, options.most + 1))):
            item, masks = self._with_one_more(index, item, masks, rng, skipped)
        return item, masks, skipped

    def _with_one_more(
        self, index: int, item: ItemT, masks: ItemMasks, rng: np.random.Generator, skipped: list[Skipped]
    ) -> tuple[ItemT, ItemMasks]:
        """One object more; the same if none could be set in."""
        for drawn in rng.integers(len(self.donors), size=DONORS).tolist() if len(self.donors) else ():
            number = int(self.donors[drawn])
            if number == index:
                continue
            try:
                donor = self.items.read(number, rng)
                of_donor = self.masks.of_item(number, donor)
            except BadItemError as error:
                if not self.skip_bad:
                    raise
                skipped.append(Skipped(error.name, error.reason))
                continue
            if of_donor is None:
                continue
            suitable = self.transplants.options.suitable(of_donor)
            for place in rng.permutation(len(suitable))[:OBJECTS].tolist():
                part = part_of(of_donor, suitable[place])
                made = self.transplants.transplant(item, donor, part, rng)
                if made is not None:
                    return made.item, composed(masks, made.host, made.owner, next(iter(part.names), ""))
        return item, masks

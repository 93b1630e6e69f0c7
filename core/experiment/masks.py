"""Masks that come with the user's own data: read through the modality, and what a run finds measured against them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np
from jaxtyping import Int
from torch import Tensor

from ..data.items import AbstractItems, BadItemError, read_item
from ..data.masks import AbstractMasks, ItemMasks, LeavesUnused
from ..discovery.finder import ObjectFinder
from ..evaluation.object_metrics import object_metrics
from ..modality.base import AbstractModality, Reading
from ..modality.optional import ReadsContext, ReadsMasks, ShowsMasks
from ..networks.encoder import Network
from .in_whole import found_in_whole
from .predictions import predictions_of

ItemT = TypeVar("ItemT")

MEASURED = 100
"""So many items with masks are measured, evenly over the data set; all if there are fewer."""
AT_ONCE = 8
"""Items in memory while they are measured."""


@final
@dataclass(frozen=True)
class MaskedItems(Generic[ItemT]):
    """Items with the masks that come with them.

    Attributes:
        items: all of the data set, read exactly.
        masks: of those that have some.
        numbers: the items that have some.
        skip_bad: leave out what cannot be read, instead of stopping.
        unused: what the masks name and is none of the items.
    """

    items: AbstractItems[ItemT]
    masks: AbstractMasks[ItemT]
    numbers: tuple[int, ...]
    skip_bad: bool
    unused: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, modality: AbstractModality[ItemT], path: Path, reading: Reading[ItemT], skip_bad: bool = False
    ) -> "MaskedItems[ItemT]":
        """The masks at `path` of the items that the modality read.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if the modality reads no masks, the path is of no format that it reads or names files that no
                item has, or no item has a mask.
        """
        if not isinstance(modality, ReadsMasks):
            raise ValueError(
                f"the modality {modality.name!r} reads no masks, so --masks {path} cannot be used with it; "
                "a modality reads masks by a method read_masks (ReadsMasks)"
            )
        masks: AbstractMasks[ItemT] = modality.read_masks(path, reading.items, reading.skipped)
        numbers = tuple(index for index in range(len(reading.items)) if masks.has(index))
        if not numbers:
            raise ValueError(
                f"{path} holds masks of none of the {len(reading.items)} items; these have names such as "
                f"{reading.items.name(0)!r}"
            )
        return cls(reading.items, masks, numbers, skip_bad, masks.unused if isinstance(masks, LeavesUnused) else ())

    def said(self) -> str:
        """How many items have masks, and how many masks are of no item, in a line."""
        line = f"masks of {len(self.numbers)} of {len(self.items)} items"
        if not self.unused:
            return line
        return f"{line}; not in this run: {len(self.unused)} more, such as {self.unused[0]!r}"

    def chunks(self, most: int = MEASURED, size: int = AT_ONCE) -> Iterator[list[tuple[ItemT, ItemMasks]]]:
        """Up to `most` items with their masks, evenly over all, a few at a time."""
        chunk: list[tuple[ItemT, ItemMasks]] = []
        for number in self.measured(most):
            try:
                item = read_item(self.items, number, np.random.default_rng(0))
                mask = self.masks.of_item(number, item)
            except BadItemError:
                if not self.skip_bad:
                    raise
                continue
            if mask is not None:
                chunk.append((item, mask))
            if len(chunk) == size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def measured(self, most: int = MEASURED) -> list[int]:
        """The numbers of up to `most` items with masks, evenly over all."""
        places = np.linspace(0, len(self.numbers) - 1, min(most, len(self.numbers))).round().astype(int)
        return [self.numbers[place] for place in places.tolist()]

    def mask_of(self, number: int, item: ItemT) -> ItemMasks | None:
        """The masks of an item; None where it has none, or they cannot be read and bad ones are left out."""
        try:
            return self.masks.of_item(number, item)
        except BadItemError:
            if not self.skip_bad:
                raise
            return None

    def shown(self, modality: AbstractModality[ItemT], number: int, item: ItemT) -> Sequence[tuple[str, Any]]:
        """The masks of an item as true objects, in the form in which the modality renders them; nothing without one."""
        mask = self.mask_of(number, item)
        return modality.shown_masks(item, mask) if mask is not None and isinstance(modality, ShowsMasks) else ()


def measured(
    network: Network, modality: AbstractModality[ItemT], masked: MaskedItems[ItemT], finder: ObjectFinder
) -> tuple[dict[str, float], int]:
    """`object_metrics` of what a network finds in items with masks, at the centres of its elements; and of how many.

    A window of something longer is one item, whose objects are found with the windows around it (`found_in_whole`).
    """
    found: list[Int[Tensor, " elements"]] = []
    true: list[Int[Tensor, " elements"]] = []
    if isinstance(masked.items, ReadsContext):
        for one in found_in_whole(network, modality, masked.items, masked.measured(), finder, masked.skip_bad):
            mask = masked.mask_of(one.number, one.item)
            if mask is not None:
                found.append(one.found[0])
                true.append(mask.under(one.features.places, one.found.shape[1]))
        return object_metrics(found, true), len(found)
    for chunk in masked.chunks():
        predictions = predictions_of(network, modality, [item for item, _ in chunk], finder)
        for place, (_, mask) in enumerate(chunk):
            labels, places = predictions.item(place)
            found.append(labels)
            true.append(mask.under(places, len(labels)))
    return object_metrics(found, true), len(found)


def on_plain_features(finder: ObjectFinder) -> ObjectFinder:
    """The same way of finding objects, on plain features alone."""
    extra = finder.extra_features
    return replace(finder, space="hidden", extra_features=None if extra is None else replace(extra, weight=0.0))

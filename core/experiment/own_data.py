"""The user's own data as the data of an experiment."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..data.items import AbstractItems, BadItemError, Skipped, read_item
from ..discovery.segmenters.base import AbstractSegmenter
from ..modality.base import AbstractModality, Reading
from ..modality.transform import Views
from ..modality.windows import Jittered
from .masks import MaskedItems
from .options import Running
from .recipe import SHOWN, ExperimentData

ItemT = TypeVar("ItemT")


def own_data(
    modality: AbstractModality[ItemT],
    running: Running,
    views: Views[ItemT],
    encoder_settings: Mapping[str, Any] | None = None,
    first_segments: AbstractSegmenter | None = None,
    reading: Reading[ItemT] | None = None,
) -> ExperimentData[ItemT, Any]:
    """All items under the user's paths; a few of them, from all over, are what the report shows.

    Where masks come with the data, the items that are shown have some.

    Args:
        modality: reads them.
        running: where they and their masks are, and whether bad ones are left out.
        views: which views of them are compared.
        encoder_settings: those of the recipe.
        first_segments: those of the recipe.
        reading: the items, where they are read already.

    Raises:
        ValueError: if the masks cannot be read, or are none of the items'.
    """
    found = modality.read(running.data, running.skip_bad) if reading is None else reading
    skipped = list(found.skipped)
    masked = None if running.masks is None else MaskedItems.read(modality, running.masks, found, running.skip_bad)
    numbers = range(len(found.items)) if masked is None else masked.numbers
    shown = readable(found.items, skipped if running.skip_bad else None, among=numbers)
    items = found.items.with_jitter(True) if isinstance(found.items, Jittered) else found.items
    return ExperimentData(
        items,
        views,
        tuple(shown.values()),
        tuple(found.items.name(place) for place in shown),
        true_objects=() if masked is None else [masked.shown(modality, *one) for one in shown.items()],
        skipped=tuple(dict.fromkeys(skipped)),
        damaged=found.damaged,
        places=tuple(shown),
        encoder_settings=encoder_settings or {},
        first_segments=first_segments,
        masked=masked,
    )


def readable(
    items: AbstractItems[ItemT],
    skipped: list[Skipped] | None,
    count: int = SHOWN,
    among: Sequence[int] | None = None,
) -> dict[int, ItemT]:
    """A few items from all over, by number; those that cannot be read are added to `skipped` and the next is taken.

    `among` are the numbers of those that are wanted, one at least; None for all.

    Raises:
        BadItemError: for an item that cannot be read where `skipped` is None, or if none can.
    """
    found: dict[int, ItemT] = {}
    numbers = range(len(items)) if among is None else among
    for start in np.linspace(0, len(numbers) - 1, count).round().astype(int).tolist():
        for distance in range(len(numbers)):
            place = numbers[(start + distance) % len(numbers)]
            try:
                found[place] = read_item(items, place, np.random.default_rng(0))
                break
            except BadItemError as error:
                if skipped is None:
                    raise
                skipped.append(Skipped(error.name, error.reason))
        else:
            raise BadItemError(items.name(numbers[start]), "no item can be read")
    return found

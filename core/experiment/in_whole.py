"""Objects of chosen items, found as `discover` finds them: in context, and together with the windows around each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, final

from jaxtyping import Int
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.items import AbstractItems, BadItemError, Skipped
from ..data.own_elements import own_places
from ..data.pieces import part_of
from ..discovery.finder import ObjectFinder
from ..modality.base import AbstractModality
from ..modality.optional import InOverlap, InSequence
from ..modality.some_items import some_items
from ..networks.encoder import Network
from ..runs.model import Model
from .predictions import PredictedBatch, Predictions

ItemT = TypeVar("ItemT")

AROUND = 8
"""Windows before and behind a chosen one with which its objects are found."""


@final
@dataclass(frozen=True)
class FoundItem(Generic[ItemT]):
    """One item with its features and the object of every element, without padding; numbers are those of the whole."""

    number: int
    item: ItemT
    features: FeatureMap
    found: Int[Tensor, "1 elements"]


def found_in_whole(
    network: Network,
    modality: AbstractModality[ItemT],
    items: AbstractItems[ItemT],
    numbers: Sequence[int],
    finder: ObjectFinder,
    skip_bad: bool = False,
) -> Iterator[FoundItem[ItemT]]:
    """The chosen items in the order of their numbers; those that cannot be read are left out with `skip_bad`.

    An item that is a window of something longer is read in its context, and its objects are found together with up to
    `AROUND` windows on either side; other items are taken alone. A few of the windows are in memory at a time.

    Raises:
        BadItemError: for an item that cannot be read, unless `skip_bad`.
    """
    model = Model(modality, network, {}, finder)
    for own, chosen in stretches(items, numbers):
        skipped: list[Skipped] | None = [] if skip_bad else None
        for batch in model.found(some_items(items, own), skipped):
            labels = batch.labels()
            for row, index in enumerate(batch.index):
                if own[index] in chosen:
                    places, grid = own_places(batch.features.valid[row], batch.features.places, row)
                    features = part_of(batch.features, row, places, grid)
                    yield FoundItem(own[index], batch.items[row], features, labels[row][places][None])


def predictions_in_whole(
    network: Network,
    modality: AbstractModality[ItemT],
    items: AbstractItems[ItemT],
    numbers: Sequence[int],
    finder: ObjectFinder,
) -> Predictions:
    """The chosen items, in the order in which they are named.

    Raises:
        BadItemError: for one of them that cannot be read; windows around them that cannot are left out.
    """
    found = {one.number: one for one in found_in_whole(network, modality, items, numbers, finder, skip_bad=True)}
    lost = next((number for number in numbers if number not in found), None)
    if lost is not None:
        raise BadItemError(items.name(lost), "cannot be read any more: it was changed while the run went on")
    chunks = tuple(PredictedBatch(found[number].features, found[number].found) for number in numbers)
    return Predictions(chunks, network)


def stretches(items: AbstractItems[ItemT], numbers: Sequence[int]) -> list[tuple[range, frozenset[int]]]:
    """The chosen items with the windows around them, in stretches of one whole each that do not touch.

    Example:
        >>> class Windows(AbstractItems[int]):
        ...     def __len__(self): return 130
        ...     def read(self, index, rng): return index
        ...     def name(self, index): return str(index)
        ...     def whole(self, index): return range(0, 100) if index < 100 else range(100, 130)
        >>> [(part.start, part.stop, sorted(own)) for part, own in stretches(Windows(), [3, 90, 95, 102])]
        [(0, 12, [3]), (82, 100, [90, 95]), (100, 111, [102])]
    """
    found: list[tuple[range, range, set[int]]] = []
    for number in sorted(set(numbers)):
        whole = range(number, number + 1)
        if isinstance(items, InOverlap):
            whole = items.overlapping(number)
        elif isinstance(items, InSequence):
            whole = items.whole(number)
        around = range(max(whole.start, number - AROUND), min(whole.stop, number + AROUND + 1))
        if found and found[-1][0] == whole and around.start <= found[-1][1].stop:
            found[-1] = (whole, range(found[-1][1].start, around.stop), found[-1][2] | {number})
        else:
            found.append((whole, around, {number}))
    return [(around, frozenset(own)) for _, around, own in found]

"""Windows of something long, encoded with what lies around them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Generic, TypeVar, final

import torch
from jaxtyping import Int
from torch import Tensor

from ..components.precision import Precision
from ..data.batches import Batches, Own
from ..data.course import Course
from ..data.feature_map import FeatureMap
from ..data.pieces import padable
from ..data.segmentation import Segmentation
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..discovery.observed import Observed, ObservedBatches
from ..modality.base import AbstractModality
from ..modality.optional import MeasuresItems, ReadsFullResolution
from ..modality.own_windows import own_elements_of
from ..modality.windows import InContext
from ..networks.encoder import Network
from ..networks.half import encoded
from ..networks.modes import evaluating

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class EncodedBatches:
    """Batches of windows that were encoded: hidden features of all that the network saw, and what was observed of it;
    None where no objects are found.
    """

    features: Batches
    observed: ObservedBatches | None


@final
@dataclass(frozen=True)
class EncodedWindow(Generic[ItemT]):
    """One window: its number, itself, and where its own hidden features lie, and what objects are found in.

    `item` is None where it is read again when it is needed, since it is too large to wait. Of a window that shares
    elements with others (`shared`), objects are found in its context too. `lasting` are the parts that are the same in
    all windows of the whole. Nothing is copied out of the batches before it is asked for, so that windows of one batch
    are copied together (`features_of`, `observed_of`), or not at all.
    """

    index: int
    item: ItemT | None
    within: EncodedBatches
    own: Own
    shared: "Shared | None" = None
    lasting: frozenset[str] = frozenset()

    @cached_property
    def seen(self) -> Own:
        """The elements that objects are found in: its own, or all that the network saw."""
        own, shared = self.own, self.shared
        return own if shared is None else Own(own.batch, own.row, torch.arange(len(shared.numbers)), own.places)

    @cached_property
    def features(self) -> FeatureMap:
        """Its own hidden features: a batch of one."""
        return self.within.features.taken([self.own])

    @cached_property
    def course(self) -> Course:
        """What there is of it from moment to moment: cells along the first axis, or elements of a set."""
        return Course.of(self.features, self.lasting)

    def by_itself(self, observed: bool = True) -> "EncodedWindow[ItemT]":
        """The same without the other windows of its batches: for those that wait, so that these do not wait with it.

        Args:
            observed: keep what objects are found in, too.
        """
        own = Own(0, 0, torch.arange(len(self.own.numbers)), self.own.places)
        of = self.within.observed
        there = None if of is None or not observed else ObservedBatches.of([of.taken([self.seen])])
        return replace(self, within=EncodedBatches(Batches.of([self.features]), there), own=own)


@final
@dataclass(frozen=True)
class Shared:
    """The number in the whole of every element that the network saw, and which of them are the window's own."""

    numbers: Int[Tensor, " around"]
    own: Int[Tensor, " own"]


def encoded_windows(
    network: Network,
    finder: ObjectFinder | None,
    modality: AbstractModality[ItemT],
    chunks: Iterable[tuple[Sequence[int], Sequence[InContext[ItemT]]]],
    batch: int,
    precision: Precision,
    full: ReadsFullResolution[ItemT] | None = None,
) -> Iterator[list[EncodedWindow[ItemT]]]:
    """The windows of every chunk in their order, as many at a time as are encoded at once: those of like size.

    Args:
        network: encodes them.
        finder: says what else is to be known of them; None where no objects are found.
        modality: collates them.
        chunks: their numbers, and themselves in their context.
        batch: windows that are encoded at once.
        precision: in which the network computes.
        full: makes items smaller, where they are too large for the network; they are not kept then.
    """
    for numbers, some in chunks:
        around = [one.around if full is None else full.for_network(one.around) for one in some]
        order = of_like_size(modality, around, batch)
        features, observed, own = list[FeatureMap](), list[Observed](), dict[int, Own]()
        with evaluating(network):  # once for all: it walks through every layer
            for number, places in enumerate(order):
                seen, looked = _seen(network, finder, modality, [around[place] for place in places], precision)
                features.append(seen)
                observed += looked
                cut = own_elements_of([some[place] for place in places], features[-1])
                for row, (place, (index, where)) in enumerate(zip(places, cut, strict=True)):
                    own[place] = Own(number, row, index, where)
        within = EncodedBatches(Batches.of(features), None if finder is None else ObservedBatches.of(observed))
        windows = [_window(numbers[place], one, own[place], within) for place, one in enumerate(some)]
        if full is not None:
            windows = [replace(window, item=None) for window in windows]
        for first in range(0, len(windows), batch):
            yield windows[first : first + batch]


def _seen(
    network: Network,
    finder: ObjectFinder | None,
    modality: AbstractModality[ItemT],
    items: Sequence[ItemT],
    precision: Precision,
) -> tuple[FeatureMap, list[Observed]]:
    """Hidden features of one batch, and what was observed where there is a finder, on the CPU; the batch goes."""
    data = modality.collate(items).to(_device(network))
    found = encoded(network, data, precision)
    observed = [] if finder is None else [finder.observe(network, found, data).to("cpu")]
    return found.to("cpu"), observed


def of_like_size(modality: AbstractModality[ItemT], items: Sequence[ItemT], batch: int) -> list[list[int]]:
    """The places of some items in batches of like size, so that little is padded; in their order, where nobody says how
    large an item is.
    """
    order = list(range(len(items)))
    if len(items) > batch and isinstance(modality, MeasuresItems):
        sizes = [max(modality.amounts(item).values(), default=0.0) for item in items]
        order.sort(key=sizes.__getitem__)
    return [order[first : first + batch] for first in range(0, len(order), batch)]


def _window(index: int, one: InContext[ItemT], own: Own, within: EncodedBatches) -> EncodedWindow[ItemT]:
    """One window of some batches."""
    shared = None if one.numbers is None else Shared(one.numbers, own.numbers)
    return EncodedWindow(index, one.item, within, own, shared, one.lasting)


def padable_together(windows: Sequence[EncodedWindow[ItemT]]) -> Iterator[list[EncodedWindow[ItemT]]]:
    """Windows that follow one another and can be padded to one batch: not those of pictures of another size."""
    for _, some in groupby(windows, key=lambda window: padable(window.own.places)):
        yield list(some)


def features_of(windows: Sequence[EncodedWindow[ItemT]]) -> FeatureMap:
    """The hidden features of some windows of one chunk, as one batch.

    Raises:
        ValueError: if they are of several chunks, or cannot be padded to one batch.
    """
    return _within(windows).features.taken([window.own for window in windows])


def observed_of(windows: Sequence[EncodedWindow[ItemT]]) -> Observed:
    """What objects are found in, of some windows of one chunk, as one batch.

    Raises:
        ValueError: if they are of several chunks, cannot be padded to one batch, or no objects are found.
    """
    observed = _within(windows).observed
    if observed is None:
        raise ValueError("windows were encoded without a finder: nothing was observed that objects could be found in")
    return observed.taken([window.seen for window in windows])


def _within(windows: Sequence[EncodedWindow[ItemT]]) -> EncodedBatches:
    within = windows[0].within
    if any(window.within is not within for window in windows):
        raise ValueError("windows of one chunk are taken together, and these are of several")
    return within


def batch_of(
    windows: Sequence[EncodedWindow[ItemT]],
    features: FeatureMap,
    segmentation: Segmentation,
    numbers: Int[Tensor, "items objects"] | None = None,
) -> FoundBatch[ItemT]:
    """Windows with their objects; those that were not kept have no item."""
    items = tuple(window.item for window in windows if window.item is not None)
    return FoundBatch(tuple(window.index for window in windows), items, features, segmentation, numbers)


def _device(network: Network) -> Any:
    return next((parameter.device for parameter in network.parameters()), "cpu")

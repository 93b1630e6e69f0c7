"""Windows of something long, encoded with what lies around them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Generic, TypeVar, final

import torch
from jaxtyping import Int
from torch import Tensor

from ..components.precision import Precision
from ..data.course import Course
from ..data.feature_map import FeatureMap
from ..data.pieces import padable, part_of
from ..data.segmentation import Segmentation
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..discovery.observed import Observed
from ..modality.base import AbstractModality
from ..modality.optional import MeasuresItems, ReadsFullResolution
from ..modality.windows import InContext
from ..networks.encoder import Network
from ..networks.half import encoded
from ..networks.modes import evaluating

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class EncodedWindow(Generic[ItemT]):
    """One window: its number, itself, its own hidden features, and what objects are found in; batches of one.

    `item` is None where it is read again when it is needed, since it is too large to wait. Of a window that shares
    elements with others (`shared`), objects are found in its context too: `observed` has all that the network saw.
    `lasting` are the parts that are the same in all windows of the whole.
    """

    index: int
    item: ItemT | None
    features: FeatureMap
    observed: Observed | None
    shared: "Shared | None" = None
    lasting: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def course(self) -> Course:
        """What there is of it from moment to moment: cells along the first axis, or elements of a set."""
        return Course.of(self.features, self.lasting)


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
        found = dict[int, EncodedWindow[ItemT]]()
        with evaluating(network):  # once for all: it walks through every layer
            for places in of_like_size(modality, around, batch):
                data = modality.collate([around[place] for place in places]).to(_device(network))
                features = encoded(network, data, precision)
                observed = None if finder is None else finder.observe(network, features, data)
                for row, place in enumerate(places):
                    window = _window(numbers[place], some[place], features, observed, row)
                    found[place] = window if full is None else replace(window, item=None)
        for first in range(0, len(some), batch):
            yield [found[place] for place in range(len(some))[first : first + batch]]


def of_like_size(modality: AbstractModality[ItemT], items: Sequence[ItemT], batch: int) -> list[list[int]]:
    """The places of some items in batches of like size, so that little is padded; in their order, where nobody says how
    large an item is.
    """
    order = list(range(len(items)))
    if len(items) > batch and isinstance(modality, MeasuresItems):
        sizes = [max(modality.amounts(item).values(), default=0.0) for item in items]
        order.sort(key=sizes.__getitem__)
    return [order[first : first + batch] for first in range(0, len(order), batch)]


def _window(
    index: int, one: InContext[ItemT], features: FeatureMap, observed: Observed | None, row: int
) -> EncodedWindow[ItemT]:
    """What one row of a batch is of the window itself."""
    places, grid = one.elements(features, row)
    own = part_of(features, row, places, grid)
    shared = None if one.numbers is None else Shared(one.numbers, places)
    if shared is not None:
        places = torch.arange(len(shared.numbers))
    seen = None if observed is None else observed.part(row, places, grid)
    return EncodedWindow(index, one.item, own, seen, shared, one.lasting)


def padable_together(windows: Sequence[EncodedWindow[ItemT]]) -> Iterator[list[EncodedWindow[ItemT]]]:
    """Windows that follow one another and can be padded to one batch: not those of pictures of another size."""
    for _, some in groupby(windows, key=lambda window: padable(window.features)):
        yield list(some)


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

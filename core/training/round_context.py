"""The segments of windows, found in what a network sees of them with what lies around them."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, TypeVar

import torch

from ..data.batches import Own
from ..data.cut import cut
from ..data.masks import ItemMasks
from ..data.pieces import padable
from ..discovery.observed import ObservedBatches
from ..discovery.regions.base import FineSegments
from ..discovery.segmenters.in_rounds import InRounds
from ..modality.own_windows import own_elements_of
from ..modality.windows import InContext

ItemT = TypeVar("ItemT")


def segments_in_context(
    segmenter: InRounds,
    number: int,
    windows: Sequence[InContext[ItemT]],
    collate: Callable[[Sequence[ItemT]], Any],
    device: torch.device,
    generator: torch.Generator,
) -> list[ItemMasks | None]:
    """The segments of some windows for a round; None for one that is taken as a whole.

    The network sees every window with its context, and the segments are found in the elements of the window alone. A
    rule of the first round sees the window alone, and so does a finder whose fine segments are those of whole items.

    Args:
        segmenter: finds them.
        number: of the round.
        windows: of something longer.
        collate: of the modality.
        device: of the network.
        generator: the only source of randomness.
    """
    if segmenter.discovers(number):
        data = collate([one.around for one in windows]).to(device)
        observed = segmenter.observe(data)
        if not isinstance(observed.cuts, FineSegments):
            own = own_elements_of(windows, observed.features)
            rows = [Own(0, row, numbers, places) for row, (numbers, places) in enumerate(own)]
            seen, found = ObservedBatches.of([observed.to("cpu")]), list[ItemMasks | None]()
            for _, alike in groupby(rows, key=lambda one: padable(one.places)):
                taken = seen.taken(list(alike)).to(device)
                found += cut(segmenter.finder.group(taken, generator), taken.features)
            return found
    return cut(*segmenter.find(number, collate([one.item for one in windows]).to(device), generator))

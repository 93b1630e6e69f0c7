"""Objects of something large without an order, in windows that share elements: what is one object keeps one number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar, final

import numpy as np
import torch
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ..data.segmentation import Segmentation
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..discovery.groupers.stitching import alike
from ..modality.optional import InOverlap
from .windows import EncodedWindow, batch_of, features_of, observed_of

ItemT = TypeVar("ItemT")

HALF = 0.5
"""Two objects that are found apart are one where they share more than this of all elements that either has."""


@final
@dataclass(frozen=True)
class GroupedWindow(Generic[ItemT]):
    """A window with the object of every element of it and of its context, and their numbers in the whole, in order."""

    window: EncodedWindow[ItemT]
    elements: Int[Tensor, " around"]
    labels: Int[Tensor, " around"]

    @property
    def own(self) -> Int[Tensor, " own"]:
        """The object of every element of the window itself."""
        shared = self.window.shared
        assert shared is not None
        return self.labels[torch.searchsorted(self.elements, shared.numbers[shared.own])]


@final
@dataclass
class Overlaps(Generic[ItemT]):
    """The objects of windows that share elements with those around them, as their context.

    Objects are found in every window with its context. Two objects of two windows are one where, of the elements that
    both windows see, they share more than half; so objects are joined from window to window. The windows of one whole
    come when all of them are known: their vectors take as much memory as the whole itself.

    Attributes:
        finder: finds the objects.
        device: where it groups.
        seed: the same window gives the same objects.
        parts: says which windows belong together.
    """

    finder: ObjectFinder
    device: torch.device | str
    seed: int
    parts: InOverlap
    _held: list[GroupedWindow[ItemT]] = field(default_factory=list)

    def found(self, chunks: Iterable[list[EncodedWindow[ItemT]]]) -> Iterator[FoundBatch[ItemT]]:
        """The objects of all windows, in their order."""
        for chunk in chunks:
            generator = torch.Generator().manual_seed(self.seed)
            segmentation = self.finder.group(observed_of(chunk).to(self.device), generator).to("cpu")
            if all(len(self.parts.overlapping(window.index)) == 1 for window in chunk):
                yield from self._finish()
                yield batch_of(chunk, features_of(chunk), segmentation)
                continue
            for window, labels in zip(chunk, segmentation.labels(), strict=True):
                if self._held and window.index not in self.parts.overlapping(self._held[-1].window.index):
                    yield from self._finish()
                self._held.append(_sorted(window, labels))
        yield from self._finish()

    def _finish(self) -> Iterator[FoundBatch[ItemT]]:
        """All windows of a whole, with the numbers of their objects in it."""
        held, self._held = self._held, []
        wholes = list[Int[Tensor, " own"]]()
        for one, numbers in zip(held, _numbers(held), strict=True):
            own = one.own
            wholes.append(torch.where(own >= 0, numbers[own], -1) if len(numbers) else own)
        # An object that is seen in context alone is none of any window: it takes no number.
        every = torch.cat([own[own >= 0] for own in wholes]).unique() if wholes else torch.zeros(0, dtype=torch.long)
        for one, found in zip(held, wholes, strict=True):
            in_whole = torch.where(found >= 0, torch.searchsorted(every, found), -1)
            present = in_whole[in_whole >= 0].unique()
            local = torch.where(in_whole >= 0, torch.searchsorted(present, in_whole), -1)
            segmentation = Segmentation.from_labels(local[None], max(1, len(present)), one.window.features.grid)
            named = present if len(present) else torch.tensor([-1])
            yield batch_of([one.window], one.window.features, segmentation, named[None])


def _sorted(window: EncodedWindow[ItemT], labels: Int[Tensor, " padded"]) -> GroupedWindow[ItemT]:
    assert window.shared is not None
    elements, order = window.shared.numbers.sort()
    return GroupedWindow(window.by_itself(False), elements, labels[: len(order)][order])


def _numbers(held: list[GroupedWindow[ItemT]]) -> list[Int[Tensor, " objects"]]:
    """For every window the numbers of its objects in the whole, counted from 0 in the order of the windows."""
    counts = [int(one.labels.max()) + 1 if len(one.labels) else 0 for one in held]
    firsts = np.cumsum([0, *counts])
    rows, columns = list[int](), list[int]()
    for place, other in _neighbours(held):
        here, there = held[place], held[other]
        at = torch.searchsorted(there.elements, here.elements).clamp(max=len(there.elements) - 1)
        both = there.elements[at] == here.elements
        for theirs, mine in alike(there.labels[at][both][:, None], here.labels[both][:, None], HALF).items():
            rows.append(int(firsts[place]) + theirs)
            columns.append(int(firsts[other]) + mine)
    total = int(firsts[-1])
    joined = coo_array((np.ones(len(rows)), (rows, columns)), shape=(total, total))
    number = torch.from_numpy(connected_components(joined, directed=False)[1]).long()
    return [number[begin:end] for begin, end in zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True)]


def _neighbours(held: list[GroupedWindow[ItemT]]) -> Iterator[tuple[int, int]]:
    """The pairs of windows of which one sees elements of the other."""
    total = 1 + max((int(one.elements.max()) for one in held), default=-1)
    owner = torch.full((total,), -1)
    for place, one in enumerate(held):
        assert one.window.shared is not None
        owner[one.window.shared.numbers[one.window.shared.own]] = place
    seen = set[tuple[int, int]]()
    for place, one in enumerate(held):
        for other in owner[one.elements].unique().tolist():
            if other >= 0 and other != place:
                seen.add((min(place, other), max(place, other)))
    yield from sorted(seen)

"""Objects of something long, in spans of many windows: in bounded memory, wherever windows begin."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar, final

import torch

from ..data.course import Course, chained_course, relaid
from ..data.pieces import padable
from ..data.places import Parts
from ..data.resampling import averaged
from ..data.segmentation import Segmentation
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..discovery.groupers.stitching import Stitched
from ..discovery.observed import Observed, chained
from ..modality.optional import InSequence
from .windows import EncodedWindow, batch_of, features_of, observed_of, padable_together

ItemT = TypeVar("ItemT")

SPAN = 8192
"""Elements that objects are found in together: some four minutes of sound in frames of 32 ms."""
FEWEST = 8
"""Windows in a span, however many elements they have."""


@final
@dataclass
class Spans(Generic[ItemT]):
    """The objects of windows, which come in order.

    Windows of one whole that follow one another without a gap are grouped together, in spans of about 8192 elements, of
    which one is in memory. Each span begins in the middle of the one before; where two overlap, their objects are
    stitched. Means, variances and background are those of a span: of all of the whole, if it is no longer. Windows that
    are alone, and those of items that are in no sequence, are grouped each by itself.

    Attributes:
        finder: finds the objects.
        device: where it groups.
        seed: the same window gives the same objects.
        sequence: says which windows belong together; None where none do.
    """

    finder: ObjectFinder
    device: torch.device | str
    seed: int
    sequence: InSequence | None
    _held: list[EncodedWindow[ItemT]] = field(default_factory=list)
    _stitched: Stitched = field(default_factory=Stitched)
    _whole: range = range(0)
    _widths: Mapping[str, int] = field(default_factory=dict)

    def found(self, chunks: Iterable[list[EncodedWindow[ItemT]]]) -> Iterator[FoundBatch[ItemT]]:
        """The objects of all windows, in their order; windows too large to wait come without their items."""
        for chunk in chunks:
            alone = list[EncodedWindow[ItemT]]()
            for window in chunk:
                if self._held and not self._follows(window):
                    yield from self._finish()
                if self.sequence is None or len(self.sequence.whole(window.index)) == 1:
                    alone.append(window)
                    continue
                if alone:
                    yield from self._alone(alone)
                    alone = []
                yield from self._add(window)
            if alone:
                yield from self._alone(alone)
        yield from self._finish()

    def _follows(self, window: EncodedWindow[ItemT]) -> bool:
        before = self._held[-1]
        assert self.sequence is not None
        follows = window.index == before.index + 1 and window.index in self.sequence.whole(before.index)
        return follows and _go_on(before, window)

    def _alone(self, windows: list[EncodedWindow[ItemT]]) -> Iterator[FoundBatch[ItemT]]:
        for some in padable_together(windows):
            yield self._at_once(some)

    def _at_once(self, windows: list[EncodedWindow[ItemT]]) -> FoundBatch[ItemT]:
        observed = observed_of(windows).to(self.device)
        found = self.finder.group(observed, self._generator())
        own = averaged(found, observed.features)
        batch = batch_of(windows, features_of(windows), own.to("cpu"))
        return batch if own is found else replace(batch, fine=found.to("cpu"))

    def _add(self, window: EncodedWindow[ItemT]) -> Iterator[FoundBatch[ItemT]]:
        assert self.sequence is not None
        whole = self.sequence.whole(window.index)
        if whole != self._whole:
            self._whole, self._stitched = whole, Stitched()
        self._held.append(window.by_itself())
        elements = sum(one.features.valid.shape[1] for one in self._held)
        if elements >= SPAN and len(self._held) >= FEWEST:
            self._group()
            yield from self._release(len(self._held) // 2)

    def _finish(self) -> Iterator[FoundBatch[ItemT]]:
        """What is left of a whole."""
        if sum(window.course.moments for window in self._held) > len(self._stitched.labels):
            self._group()
        yield from self._release(len(self._held))

    def _group(self) -> None:
        """Find objects in all windows that are held; the first of them may have some already."""
        every = [window.course for window in self._held]
        observed, course = chained(_observed(self._held), every).to(self.device), chained_course(every)
        usual = course if isinstance(observed.features.places, Parts) else course.usual
        found = self.finder.group(observed, self._generator(), usual)
        labels = averaged(found, observed.features).labels()  # windows are cut at elements, not within them
        self._lay(course)
        self._stitched.add(course.shown(labels[0].cpu()), 0)

    def _lay(self, course: Course) -> None:
        """What is stitched already in the columns of what comes: a part may be missing in all windows so far."""
        if len(self._stitched.labels):
            self._stitched.labels = relaid(self._stitched.labels, self._widths, course.widths)
        self._widths = course.widths

    def _release(self, count: int) -> Iterator[FoundBatch[ItemT]]:
        """The first windows with their objects, which are final."""
        for window in self._held[:count]:
            course = window.course
            shown = relaid(self._stitched.drop(course.moments), self._widths, course.widths)
            labels = course.elements(shown)
            numbers = labels[labels >= 0].unique()
            if not len(numbers):
                numbers = torch.tensor([-1])
            local = torch.where(labels >= 0, torch.searchsorted(numbers, labels), -1)
            segmentation = Segmentation.from_labels(local[None], len(numbers), window.features.places)
            yield batch_of([window], window.features, segmentation, numbers[None])
        self._held = self._held[count:]

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)


def _observed(windows: list[EncodedWindow[ItemT]]) -> list[Observed]:
    return [observed_of([window]) for window in windows]


def _go_on(before: EncodedWindow[ItemT], window: EncodedWindow[ItemT]) -> bool:
    """Whether elements of two windows can be put together: the size of a video's pictures may change within it."""
    one, two = padable(before.own.places), padable(window.own.places)
    strands = before.course.strands, window.course.strands
    lasting = all(strands[0][name].count == strands[1][name].count for name in before.lasting)
    same = all(a == b for a, b in zip(one, two, strict=True) if a is not None and b is not None)
    return lasting and before.lasting == window.lasting and same

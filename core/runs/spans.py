"""Objects of something long, in spans of many windows: in bounded memory, wherever windows begin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar, final

import torch

from ..data.pieces import padded_features
from ..data.resampling import averaged
from ..data.segmentation import Segmentation
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..discovery.groupers.stitching import Stitched
from ..discovery.observed import Observed, chained, padded
from ..modality.optional import InSequence
from .windows import EncodedWindow, batch_of

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
                    yield self._alone(alone)
                    alone = []
                yield from self._add(window)
            if alone:
                yield self._alone(alone)
        yield from self._finish()

    def _follows(self, window: EncodedWindow[ItemT]) -> bool:
        before = self._held[-1]
        assert self.sequence is not None
        follows = window.index == before.index + 1 and window.index in self.sequence.whole(before.index)
        one, two = before.features.grid, window.features.grid
        # The size of a video's pictures may change within it.
        return follows and (one is None or two is None or one.shape[1:] == two.shape[1:])

    def _alone(self, windows: list[EncodedWindow[ItemT]]) -> FoundBatch[ItemT]:
        observed = padded(_observed(windows)).to(self.device)
        found = self.finder.group(observed, self._generator())
        own = averaged(found, observed.features)
        batch = batch_of(windows, padded_features([window.features for window in windows]), own.to("cpu"))
        return batch if own is found else replace(batch, fine=found.to("cpu"))

    def _add(self, window: EncodedWindow[ItemT]) -> Iterator[FoundBatch[ItemT]]:
        assert self.sequence is not None
        whole = self.sequence.whole(window.index)
        if whole != self._whole:
            self._whole, self._stitched = whole, Stitched()
        self._held.append(window)
        elements = sum(one.features.valid.shape[1] for one in self._held)
        if elements >= SPAN and len(self._held) >= FEWEST:
            self._group()
            yield from self._release(len(self._held) // 2)

    def _finish(self) -> Iterator[FoundBatch[ItemT]]:
        """What is left of a whole."""
        if sum(window.cells for window in self._held) > len(self._stitched.labels):
            self._group()
        yield from self._release(len(self._held))

    def _group(self) -> None:
        """Find objects in all windows that are held; the first of them may have some already."""
        usual = max(window.cells for window in self._held)
        observed = chained(_observed(self._held)).to(self.device)
        found = self.finder.group(observed, self._generator(), usual)
        labels = averaged(found, observed.features).labels()  # windows are cut at elements, not within them
        cells = sum(window.cells for window in self._held)
        self._stitched.add(labels[0].cpu().view(cells, -1), 0)

    def _release(self, count: int) -> Iterator[FoundBatch[ItemT]]:
        """The first windows with their objects, which are final."""
        for window in self._held[:count]:
            labels = self._stitched.drop(window.cells).flatten()
            numbers = labels[labels >= 0].unique()
            if not len(numbers):
                numbers = torch.tensor([-1])
            local = torch.where(labels >= 0, torch.searchsorted(numbers, labels), -1)
            segmentation = Segmentation.from_labels(local[None], len(numbers), window.features.grid)
            yield batch_of([window], window.features, segmentation, numbers[None])
        self._held = self._held[count:]

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)


def _observed(windows: list[EncodedWindow[ItemT]]) -> list[Observed]:
    return [window.observed for window in windows if window.observed is not None]

"""Items through the network of a run: a few at a time, in their context, each once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, final

import numpy as np
import torch

from ..components.precision import FULL, Precision
from ..data.feature_map import FeatureMap
from ..data.items import AbstractItems, Skipped
from ..data.resampling import averaged
from ..data.segmentation import Segmentation
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.optional import InOverlap, InSequence, ReadsContext, ReadsFullResolution
from ..modality.sight import sight_of
from ..modality.some_items import some_items
from ..modality.windows import Sight
from ..networks.encoder import Network
from ..networks.half import hidden
from .gathering import Encoded
from .inputs import Source
from .overlaps import Overlaps
from .spans import Spans
from .windows import EncodedWindow, batch_of, encoded_windows, features_of, padable_together

ItemT = TypeVar("ItemT")

AHEAD = 8
"""So many batches of sets are read before they are encoded, those of like size together."""


@final
@dataclass(frozen=True)
class Encoding(Generic[ItemT]):
    """What a run needs to encode items, and to find their objects; see `Model`."""

    modality: AbstractModality[ItemT]
    network: Network
    finder: ObjectFinder | None
    seed: int
    batch: int
    device: torch.device
    precision: Precision = FULL

    def some(self, items: AbstractItems[ItemT], skipped: list[Skipped] | None, numbers: Sequence[int]) -> Encoded:
        """Features of some numbered items; of windows of something longer all are seen, whichever are asked for."""
        if isinstance(items, ReadsContext):
            wanted = set(numbers)
            for index, features in self.features(Source(items, (), self.modality.name, skipped)):
                rows = [row for row, number in enumerate(index) if number in wanted]
                if len(rows) == len(index):
                    yield index, features
                elif rows:
                    yield tuple(index[row] for row in rows), features.rows(torch.tensor(rows))
            return
        chosen = Source(some_items(items, numbers), (), self.modality.name, skipped)
        for index, features in self.features(chosen):
            yield tuple(numbers[place] for place in index), features

    def found(self, source: Source[ItemT]) -> Iterator[FoundBatch[ItemT]]:
        """Features and objects of all items; none where nobody says how they are found."""
        if isinstance(source.items, ReadsContext):
            yield from self._found_in(source, self._windows(source, source.items))
            return
        for index, items in source.chunks(self.batch):
            yield self._found_at_once(index, items)

    def full(self, source: Source[ItemT]) -> Iterator[FoundBatch[ItemT]]:
        """The same at the files' own resolution, one item at a time."""
        items, modality = source.items, self.modality
        assert items is not None
        assert isinstance(modality, ReadsFullResolution)
        if isinstance(items, ReadsContext):
            rng = np.random.default_rng(0)
            for batch in self._found_in(source, self._windows(source, items, modality)):
                yield replace(batch, items=tuple(items.read(index, rng) for index in batch.index))
            return
        for index, some in source.chunks(1):
            yield replace(self._found_at_once(index, [modality.for_network(item) for item in some]), items=some)

    def _found_at_once(self, index: tuple[int, ...], items: Sequence[ItemT]) -> FoundBatch[ItemT]:
        """Items, each by itself."""
        data = self.modality.collate(items).to(self.device)
        features = hidden(self.network, data, self.precision)
        if self.finder is None:
            found = no_objects(features)
        else:
            found = self.finder(self.network, features, data, torch.Generator().manual_seed(self.seed))
        own = averaged(found, features)
        fine = None if own is found else found.to("cpu")
        return FoundBatch(index, tuple(items), features.to("cpu"), own.to("cpu"), fine=fine)

    def _found_in(
        self, source: Source[ItemT], windows: Iterator[list[EncodedWindow[ItemT]]]
    ) -> Iterator[FoundBatch[ItemT]]:
        """Windows of something longer."""
        if self.finder is None:
            for some in windows:
                for alike in padable_together(some):
                    features = features_of(alike)
                    yield batch_of(alike, features, no_objects(features))
            return
        if isinstance(source.items, InOverlap):
            yield from Overlaps[ItemT](self.finder, self.device, self.seed, source.items).found(windows)
            return
        sequence = source.items if isinstance(source.items, InSequence) else None
        yield from Spans[ItemT](self.finder, self.device, self.seed, sequence).found(windows)

    def _windows(
        self, source: Source[ItemT], items: AbstractItems[ItemT], full: ReadsFullResolution[ItemT] | None = None
    ) -> Iterator[list[EncodedWindow[ItemT]]]:
        """All windows, encoded in their context; at full resolution one at a time, and none is kept."""
        sight = sight_of(self.network, self.finder, self.modality.collate, items, full)
        chunks = source.in_context(self._waiting(sight, full is not None), sight)
        batch = 1 if full else self.batch
        return encoded_windows(self.network, self.finder, self.modality, chunks, batch, self.precision, full)

    def together(self, items: AbstractItems[ItemT], full: bool) -> int:
        """How many items are read before any of them is encoded: what comes of them depends on no other."""
        if full or not isinstance(items, ReadsContext):
            return 1 if full else self.batch
        return self._waiting(sight_of(self.network, self.finder, self.modality.collate, items), full)

    def _waiting(self, sight: Sight, full: bool) -> int:
        """Elements on a lattice are as many in every window, and windows of video are too large for many to wait."""
        if full:
            return 1
        return self.batch if sight.on_lattice else self.batch * AHEAD

    def features(self, source: Source[ItemT]) -> Iterator[tuple[tuple[int, ...], FeatureMap]]:
        """Hidden features of all items, a few at a time, on the model's device."""
        if isinstance(source.items, ReadsContext):
            for some in replace(self, finder=None)._windows(source, source.items):
                for windows in padable_together(some):
                    yield tuple(window.index for window in windows), features_of(windows).to(self.device)
            return
        for numbers, items in source.chunks(self.batch):
            yield numbers, hidden(self.network, self.modality.collate(items).to(self.device), self.precision)


def no_objects(features: FeatureMap) -> Segmentation:
    """No object anywhere."""
    weights = torch.zeros_like(features.valid, dtype=torch.get_default_dtype())[:, None]
    return Segmentation(weights, features.places, torch.zeros_like(features.valid[:, 0]))

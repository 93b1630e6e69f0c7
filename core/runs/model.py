"""A finished run as one object: vectors, objects and predictions of new data, on any device."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch
from torch import nn

from ..data.feature_map import FeatureMap, item_means
from ..data.items import AbstractItems, Skipped
from ..data.masks import AbstractMasks
from ..data.pieces import padded_features
from ..data.resampling import averaged
from ..data.segmentation import Objects, Segmentation
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..evaluation.protocols import AbstractProtocol, Evaluation, protocols_of
from ..evaluation.protocols.chosen import DEFAULT
from ..exports.export import export
from ..methods.targets.base import AbstractTarget
from ..modality.base import AbstractModality
from ..modality.optional import InOverlap, InSequence, ReadsContext, ReadsFullResolution
from ..networks.encoder import AbstractEncoder, Network
from ..networks.modes import evaluating
from ..training.labels import Labels
from .elements import own_places
from .evaluating import Evaluator
from .evaluation_options import Evaluating
from .gathering import Chosen, Encoded, alone
from .inputs import Source
from .item_vectors import item_vectors
from .overlaps import Overlaps
from .parts_alone import parts_alone
from .resolution import fine_labels
from .results import ItemObjects, ItemPrediction, ItemVectors
from .spaces import Space, in_space
from .spans import Spans
from .windows import EncodedWindow, batch_of, encoded_windows, sight_of

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Model(Generic[ItemT]):
    """What a run learned: `gestalt.load(run)` and `gestalt.train(…)` give one.

    Every method takes a path or several, items in memory (a sequence in the native form of the modality), numbered
    items, or a loader (an iterable of items or of lists of items). It encodes each item once, on the model's device.

    Attributes:
        modality: reads, collates and shows the items.
        network: the encoder with its projector.
        heads: everything else that was trained, by name: predictor, task, prototypes.
        finder: how objects are found; None where nobody said how.
        target: what the task head predicts; None where there is none.
        seed: of the finder: the same item gives the same objects.
        batch: items that are encoded at once.
        run: the folder that it was loaded from; None for a model that was not.
    """

    modality: AbstractModality[ItemT]
    network: Network
    heads: Mapping[str, nn.Module]
    finder: ObjectFinder | None = None
    target: AbstractTarget | None = None
    seed: int = 0
    batch: int = 16
    run: Path | None = None

    @property
    def encoder(self) -> AbstractEncoder:
        """The encoder, a torch module: a collated batch → `FeatureMap`."""
        return self.network.encoder

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return next(iter(self.network.parameters()), torch.zeros(())).device

    def to(self, device: torch.device | str) -> "Model[ItemT]":
        """Move all networks to another device."""
        plain = [] if self.finder is None else self.finder.plain_networks()
        for part in (self.network, *self.heads.values(), *plain):
            part.to(device)
        return self

    def found(self, data: Any, skipped: list[Skipped] | None = None) -> Iterator[FoundBatch[ItemT]]:
        """Hidden features and objects of all items, a few at a time and on the CPU: for data larger than memory.

        Raises:
            ValueError: if the run does not say how objects are found.
        """
        self.check_finder()
        return self._found(Source.of(data, self.modality, skipped))

    def encoded(
        self, data: Any, skipped: list[Skipped] | None = None, full: bool = False
    ) -> Iterator[FoundBatch[ItemT]]:
        """As `found`; where the run does not say how objects are found, items have none.

        With `full`, items are those of the modality's `read_full`, too large for the network: it takes them smaller,
        and one at a time is in memory.
        """
        source = Source.of(data, self.modality, skipped)
        return self._full(source) if full else self._found(source)

    def check_finder(self) -> None:
        """Refuse a run that does not say how objects are found.

        Raises:
            ValueError: if it does not.
        """
        if self.finder is None:
            raise ValueError(
                "this run does not say how objects are found: dataclasses.replace(model, finder=ObjectFinder(…))"
            )

    def discover(self, data: Any, fine: bool = False, skip_bad: bool = False) -> list[ItemObjects[ItemT]]:
        """The objects of every item.

        Args:
            data: see the class.
            fine: at the resolution of the input (of the modality's plain features, or finer where it says so) instead
                of the network's elements. Sets keep their elements.
            skip_bad: leave out items that cannot be read.
        """
        self.check_finder()
        source = Source.of(data, self.modality, [] if skip_bad else None)
        results = []
        for batch in self._found(source):
            vectors, labels = batch.segmentation.pool(batch.features), batch.segmentation.labels()
            numbers = batch.object_numbers()
            for row, (index, item) in enumerate(zip(batch.index, batch.items, strict=True)):
                places, grid = own_places(batch.features.valid[row], batch.features.places, row)
                own = labels[row][places]
                if fine:
                    own, grid = fine_labels(batch, row, self.modality)
                present = vectors.present[row]
                results.append(
                    ItemObjects(
                        source.name(index), item, own, grid, vectors.vectors[row][present], numbers[row][present]
                    )
                )
        return results

    def embed(
        self, data: Any, skip_bad: bool = False, space: Space = "hidden", parts: Sequence[str] = ()
    ) -> list[ItemVectors]:
        """The vectors of every item (the mean over its elements), of its elements and of its objects.

        Where the run does not say how objects are found, there are none.

        Args:
            data: see the class.
            skip_bad: leave out items that cannot be read.
            space: `hidden`, or `compared`: where items and parts were compared in training, see `in_space`.
            parts: of items with parts, these alone, encoded as if the others were not there; none: all of them.
        """
        source = Source.of(data, self.modality, [] if skip_bad else None)
        if parts:
            source = parts_alone(source, self.modality, parts)
        return item_vectors(self._found(source), source.name, in_space(space, self.network, self.heads))

    def predict(self, data: Any, skip_bad: bool = False) -> list[ItemPrediction]:
        """What the task head says of every item, taken as a whole.

        Raises:
            ValueError: if the run has no task head.
        """
        return list(self.predictions(data, [] if skip_bad else None))

    def refuse_without_task(self) -> AbstractTarget:
        """What the task head predicts.

        Raises:
            ValueError: if the run has none.
        """
        if self.target is None or "task" not in self.heads:
            raise ValueError(
                "this run has no task head: train with labels and --method supervised, or with --method.task"
            )
        return self.target

    def predictions(self, data: Any, skipped: list[Skipped] | None = None) -> Iterator[ItemPrediction]:
        """As `predict`, one after the other: for data larger than memory."""
        target = self.refuse_without_task()
        source = Source.of(data, self.modality, skipped)
        for numbers, features in self._features(source):
            with evaluating(self.network), evaluating(self.heads["task"]):
                whole = Objects(item_means(features)[:, None], features.valid.any(dim=1, keepdim=True))
                outputs = self.heads["task"](self.network.project(whole).vectors[:, 0])
            rows = target.decode(outputs).float().cpu().tolist()
            for number, row in zip(numbers, rows, strict=True):
                names = target.columns or tuple(map(str, range(len(row))))
                yield ItemPrediction(source.name(number), dict(zip(names, row, strict=True)))

    def evaluate(
        self,
        data: Any,
        labels: Labels | Path | str | None = None,
        masks: AbstractMasks[ItemT] | Path | str | None = None,
        protocols: str | Sequence[str | AbstractProtocol] = DEFAULT,
        options: Evaluating | None = None,
        skip_bad: bool = False,
    ) -> Evaluation:
        """How good the encoder is by labelled data: scores of evaluation protocols with confidence intervals.

        Args:
            data: see the class; a loader, whose items come once, cannot be evaluated.
            labels: one row per item, or a table of them, or the word `folders`.
            masks: that come with the data.
            protocols: their names, or protocols themselves with settings of their own.
            options: splits, groups, and how labels are read.
            skip_bad: leave out items that cannot be read.

        Raises:
            ValueError: see `Evaluator.evaluate`.
        """
        source = Source.of(data, self.modality, [] if skip_bad else None)
        if source.items is None:
            raise ValueError("a loader gives its items once; pass paths, a sequence, or numbered items to evaluate")
        return self.evaluator(source.items, source.skipped, options or Evaluating()).evaluate(
            Path(labels) if isinstance(labels, str) else labels,
            Path(masks) if isinstance(masks, str) else masks,
            protocols_of(protocols),
        )

    def export(self, to: str, out: Path | str, examples: Any = None, licence: str | None = None) -> Path:
        """Write the encoder for another library, with a model card: `gestalt export`.

        Args:
            to: the name of the format (`torch`, `onnx`, …; `gestalt export RUN` lists them).
            out: the folder; what an earlier call wrote there is replaced.
            examples: data that show what comes in, see the class; None: the modality's specimens.
            licence: of the weights, for the model card.

        Raises:
            ValueError, ImportError: see `export`.
        """
        return export(self.modality, self.encoder, self.run, to, out, examples, licence)

    def evaluator(
        self, items: AbstractItems[ItemT], skipped: list[Skipped] | None, options: Evaluating
    ) -> Evaluator[ItemT]:
        """What carries out protocols on numbered items; those that cannot be read are added to `skipped`."""
        return Evaluator(self.encoder, self.modality, items, partial(self._some, items, skipped), skipped, options)

    def _some(self, items: AbstractItems[ItemT], skipped: list[Skipped] | None, numbers: Sequence[int]) -> Encoded:
        """Features of some numbered items; of windows of something longer all are seen, whichever are asked for."""
        if isinstance(items, ReadsContext):
            wanted = set(numbers)
            for index, features in self._features(Source(items, (), self.modality.name, skipped)):
                rows = [row for row, number in enumerate(index) if number in wanted]
                for row in rows:
                    yield (index[row],), alone(features, row)
            return
        chosen = Source(Chosen(items, numbers), (), self.modality.name, skipped)
        for index, features in self._features(chosen):
            yield tuple(numbers[place] for place in index), features

    def _found(self, source: Source[ItemT]) -> Iterator[FoundBatch[ItemT]]:
        if isinstance(source.items, ReadsContext):
            yield from self._found_in(source, self._windows(source, source.items))
            return
        for index, items in source.chunks(self.batch):
            yield self._found_at_once(index, items)

    def _full(self, source: Source[ItemT]) -> Iterator[FoundBatch[ItemT]]:
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
        with evaluating(self.network):
            features = self.network.encode(data)
        if self.finder is None:
            found = _nothing(features)
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
                features = padded_features([window.features for window in some])
                yield batch_of(some, features, _nothing(features))
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
        sight = sight_of(self.network, self.finder, self.modality, items, full)
        chunks = source.in_context(1 if full else self.batch, sight)
        return encoded_windows(self.network, self.finder, self.modality, chunks, full)

    def _features(self, source: Source[ItemT]) -> Iterator[tuple[tuple[int, ...], FeatureMap]]:
        """Hidden features of all items, a few at a time, on the model's device."""
        if isinstance(source.items, ReadsContext):
            for windows in replace(self, finder=None)._windows(source, source.items):
                features = padded_features([window.features for window in windows])
                yield tuple(window.index for window in windows), features.to(self.device)
            return
        for numbers, items in source.chunks(self.batch):
            with evaluating(self.network):
                yield numbers, self.network.encode(self.modality.collate(items).to(self.device))


def _nothing(features: FeatureMap) -> Segmentation:
    """No object anywhere."""
    nothing = torch.full_like(features.valid, -1, dtype=torch.long)
    return Segmentation.from_labels(nothing, 1, features.places)

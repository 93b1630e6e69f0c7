"""Events, spans and objects that a model found, against those of masks: counted whole by whole."""

from collections.abc import Iterator
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.grid import Grid
from ..data.items import AbstractItems
from ..data.masks import AbstractMasks, ItemMasks
from ..data.places import Parts
from ..discovery.found import FoundBatch
from ..evaluation.counts import Counts, pooled
from ..evaluation.intervals import Intervals
from ..evaluation.named_counts import NamedIntervals, as_row, interval_counts, joined, object_counts
from ..fitting.fitted import UNKNOWN, Fitted, Said
from ..modality.base import AbstractModality
from ..modality.optional import IsSequence, ReducesElements
from .answering import named, names_objects, names_of
from .grouping import groups_of

Stretch = tuple[int, NamedIntervals, NamedIntervals, float]
"""The number of a window, what is found and what is true in it, and its length."""


@final
class FoundThings:
    """What is found in items, one after the other, and what is true of them.

    Along one axis (frames, words) neighbours of one class are one event or span, joined over the windows of a whole.
    Elsewhere discovered objects are matched with masks, where the fit is one of objects.

    Args:
        fitted: what names them.
        modality: of the items.
        items: the data set.
        masks: what is true.
    """

    def __init__(
        self, fitted: Fitted, modality: AbstractModality[Any], items: AbstractItems[Any], masks: AbstractMasks[Any]
    ) -> None:
        self.fitted, self.modality, self.items, self.masks = fitted, modality, items, masks
        self.names = tuple(name for name in names_of(fitted) if name != UNKNOWN)
        self.stretches: dict[int, list[Stretch]] = {}
        self.objects: dict[int, list[list[Counts]]] = {}
        self.in_units, self.cell = True, 1e-6
        self.wholes = groups_of(items, range(len(items)), "whole")

    def see(self, batch: FoundBatch[Any], said: Said) -> None:
        """One item, alone in its batch."""
        if not names_objects(self.fitted) or not self.names:
            return
        true = self.masks.of_item(batch.index[0], batch.items[0])
        if true is None or isinstance(batch.features.places, Parts):
            return
        found = named(self.fitted, batch, said)
        reduced = self.modality.reduced(found) if isinstance(self.modality, ReducesElements) else found
        lattice = reduced.features.grid
        in_order = isinstance(self.modality, IsSequence) and self.modality.sequence
        if (lattice is None and in_order) or (lattice is not None and len(lattice.shape) == 1):
            self._along(reduced, true, lattice)
        elif self.fitted.of.of_found:
            self._apart(found, true)

    def _along(self, found: FoundBatch[Any], true: ItemMasks, lattice: Grid | None) -> None:
        mine, theirs = self._classes(found), true.labels.cpu()
        edges = _edges(lattice, len(mine))
        true_edges = _edges(true.grid, len(theirs))
        self.in_units = lattice is not None
        if lattice is not None:  # cells lie on one lattice over the whole, and do not end where windows do
            self.cell = max(self.cell, 1.01 * float(edges.diff().amax()))
        names = torch.tensor([self._number(true.name(n)) for n in range(int(theirs.max()) + 1)] + [-1])
        length = float(true_edges[-1])
        inside = (edges[:-1] < length) & (edges[1:] > 0)  # the outermost cells may reach beyond the item
        mine, edges = mine[inside], torch.cat([edges[:-1][inside], edges[1:][inside][-1:]]).clamp(0.0, length)
        ours = NamedIntervals(Intervals.from_labels(mine, edges), _runs(mine))
        kept = torch.where(names[theirs] >= 0, theirs, -1)
        known = NamedIntervals(Intervals.from_labels(kept, true_edges), names[_runs(kept)])
        number = found.index[0]
        whole = int(self.wholes[number])
        self.stretches.setdefault(whole, []).append((number, ours, known, length))

    def _apart(self, found: FoundBatch[Any], true: ItemMasks) -> None:
        labels, elements = found.labels()[0], found.features.valid.shape[1]
        assert found.named is not None
        of_found = {n: self._number(found.named.name(n)) for n in labels[labels >= 0].unique().tolist()}
        under = true.under(found.features.grid, elements)
        of_true = {n: self._number(true.name(n)) for n in under[under >= 0].unique().tolist()}
        counts = object_counts(labels, of_found, under, of_true, len(self.names))
        self.objects.setdefault(found.index[0], []).append(counts)

    def _classes(self, found: FoundBatch[Any]) -> Int[Tensor, " elements"]:
        assert found.named is not None
        labels, count = found.labels()[0], len(found.named.names)
        classes = torch.where(labels >= 0, labels % count, -1)
        return torch.where(classes == count - 1, -1, classes)  # what is unknown is no event of any class

    def _number(self, name: str) -> int:
        return self.names.index(name) if name in self.names else -1

    def counted(self) -> Iterator[tuple[str, Float[Tensor, "wholes counts"], Int[Tensor, " wholes"]]]:
        """By what counts as a hit: counts of every whole, and their numbers."""
        if self.stretches:
            counts = {whole: self._of_whole(parts) for whole, parts in self.stretches.items()}
            for variant in next(iter(counts.values())):
                rows = torch.tensor([as_row(own[variant]) for own in counts.values()], dtype=torch.float64)
                yield variant, rows, torch.tensor(list(counts))
        if self.objects:
            rows = torch.tensor([as_row(own[0]) for own in self.objects.values()], dtype=torch.float64)
            yield "overlapping by half", rows, groups_of(self.items, list(self.objects))

    @property
    def word(self) -> str:
        """What they are."""
        if not self.stretches:
            return "objects"
        return "events" if self.in_units else "spans"

    def _of_whole(self, parts: list[Stretch]) -> dict[str, list[Counts]]:
        runs = list[list[Stretch]]()
        for one in sorted(parts, key=lambda part: part[0]):  # windows that were not drawn part their neighbours
            runs.append([one]) if not runs or one[0] != runs[-1][-1][0] + 1 else runs[-1].append(one)
        counts = [self._of_run(run) for run in runs]
        return {name: [pooled(own) for own in zip(*(one[name] for one in counts), strict=True)] for name in counts[0]}

    def _of_run(self, parts: list[Stretch]) -> dict[str, list[Counts]]:
        lengths = [length for *_, length in parts]
        mine = joined([found for _, found, *_ in parts], lengths, self.cell)
        theirs = joined([true for _, _, true, _ in parts], lengths)
        return interval_counts(mine, theirs, len(self.names), self.in_units)


def _edges(lattice: Grid | None, elements: int) -> Float[Tensor, " bounds"]:
    return torch.arange(elements + 1).double() if lattice is None else lattice.edges[0][0].double()


def _runs(labels: Int[Tensor, " elements"]) -> Int[Tensor, " runs"]:
    """The label of every stretch, as `Intervals.from_labels` has them."""
    runs: Tensor = labels.unique_consecutive() if len(labels) else labels
    return runs[runs >= 0]

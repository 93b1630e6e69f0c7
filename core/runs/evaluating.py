"""Evaluation protocols on a run's network: what is known of the items, which side they are on, and their vectors."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar, final

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap, item_means, item_means_and_sums
from ..data.items import AbstractItems, BadItemError, Skipped, read_item
from ..data.masks import AbstractMasks, ItemMasks
from ..evaluation.protocols import (
    AbstractProtocol,
    Evaluation,
    EvaluationData,
    ItemSource,
    LabelledVectors,
    MaskedFeatures,
    evaluated,
)
from ..evaluation.splitting import Split, folds, given_split
from ..methods.targets import AbstractTarget, Classes, Values
from ..modality.base import AbstractModality
from ..modality.optional import ReadsMasks
from ..networks.encoder import AbstractEncoder
from ..storage.naming import counted
from ..training.label_source import labels_at
from ..training.labels import Labels
from .evaluation_options import Evaluating
from .gathering import Encoded, alone, drawn, element_rows, item_rows
from .grouping import groups_of, leaking, split_at, under_paths
from .mask_classes import MaskClasses

ItemT = TypeVar("ItemT")

NAMED = 5
"""So many classes are named."""


@final
@dataclass(frozen=True)
class Evaluator(Generic[ItemT]):
    """A network, items, and what is known of them.

    Attributes:
        encoder: what is judged.
        modality: of the items.
        items: the data set.
        encode: the features of items by their numbers, a few at a time, in their context where they have one.
        skipped: items that were left out so far; None where they are errors.
        options: see `Evaluating`.
    """

    encoder: AbstractEncoder
    modality: AbstractModality[ItemT]
    items: AbstractItems[ItemT]
    encode: Callable[[Sequence[int]], Encoded]
    skipped: list[Skipped] | None = None
    options: Evaluating = field(default_factory=Evaluating)

    def evaluate(
        self,
        labels: Labels | Path | None,
        masks: AbstractMasks[ItemT] | Path | None,
        protocols: dict[str, AbstractProtocol],
    ) -> Evaluation:
        """Carry out the protocols.

        Raises:
            ValueError: if nothing is known, of no item, or of one class alone; if a side of the split is empty, or
                there are fewer groups than folds; or if the data allow none of the protocols.
        """
        known, marks = self._labels(labels), self._masks(masks)
        if known is None and marks is None:
            raise ValueError(
                "nothing is known of the items: give --labels (a table, or folders), --label-column or --masks"
            )
        wanted = {protocol.of for protocol in protocols.values()}
        of_items = known is not None and not _of_elements(known)
        data, scored = EvaluationData[ItemT](source=self._source(), seed=self.options.seed), set[int]()
        facts = [] if known is None or not known.said else [("labels", known.said)]
        facts += [] if known is None or not known.note else [("not used", known.note)]
        if known is not None and of_items and "items" in wanted:
            data = replace(data, items=self._item_vectors(known))
            facts += _described(data.items, "item")
            facts += self._leaking(data.items)
        if "elements" in wanted and (marks is not None or (known is not None and not of_items)):
            data = replace(data, elements=self._element_vectors(marks, None if of_items else known))
            facts += _described(data.elements, "element")
        if marks is not None and "masked" in wanted:
            numbers = self._drawn([n for n in range(len(self.items)) if marks.has(n)])
            data = replace(data, masked=lambda: self._masked(marks, numbers))
            scored |= set(numbers)
        for rows in (data.items, data.elements):
            scored |= set() if rows is None else set(rows.index[rows.tested()].tolist())
        found = evaluated(data, protocols, self.options.resamples)
        return replace(found, facts=tuple(facts), scored=tuple(sorted(scored)))

    def _leaking(self, rows: LabelledVectors | None) -> tuple[tuple[str, str], ...]:
        """That files are on both sides, where no test set is named."""
        options = self.options
        if rows is None or options.test or options.split is not None:
            return ()
        return leaking(self.items, rows.index.tolist(), rows.known, options.group)

    def _labels(self, labels: Labels | Path | None) -> Labels | None:
        options = self.options
        if labels is None and options.label_column is None:
            return None
        if not isinstance(labels, Labels):
            labels = labels_at(
                labels,
                self.items,
                options.label_column,
                options.label_kind,
                self.skipped or (),
                self.skipped is not None,
            )
        if len(labels.known) != len(self.items):
            raise ValueError(f"labels of {len(labels.known)} items were given, and there are {len(self.items)}")
        if not len(labels.known_items()):
            raise ValueError(f"none of the {len(self.items)} items is labelled; give labels of some")
        if isinstance(labels.target, Values):  # scored in their own unit, whatever a head was trained with
            labels = replace(labels, target=Values(labels.target.names))
        return labels

    def _masks(self, masks: AbstractMasks[ItemT] | Path | None) -> AbstractMasks[ItemT] | None:
        if not isinstance(masks, Path):
            return masks
        if not isinstance(self.modality, ReadsMasks):
            raise ValueError(f"the modality {self.modality.name!r} reads no masks, so --masks {masks} cannot be used")
        read: AbstractMasks[ItemT] = self.modality.read_masks(masks, self.items, self.skipped or ())
        if not any(read.has(number) for number in range(len(self.items))):
            raise ValueError(f"{masks} holds masks of none of the {len(self.items)} items")
        return read

    def _item_vectors(self, labels: Labels) -> LabelledVectors:
        index, vectors = item_rows(self.encode(self._drawn(labels.known_items().tolist())), self._pool())
        return self._rows(index, vectors, labels.target, labels.known[index], "item")

    def _element_vectors(self, masks: AbstractMasks[ItemT] | None, labels: Labels | None) -> LabelledVectors:
        found = range(len(self.items))
        some = [n for n in found if masks.has(n)] if masks is not None else []
        numbers = self._drawn(some if labels is None else labels.known_items().tolist())
        each = max(1, self.options.elements // max(len(numbers), 1))
        if labels is not None:
            known = labels.known
            rows = element_rows(self.encode(numbers), lambda n, one: fitted(known[n], one), each, self.options.seed)
            return self._rows(rows[0], rows[1], labels.target, rows[2], "element")
        assert masks is not None
        classes = MaskClasses()

        def of_mask(number: int, features: FeatureMap) -> Int[Tensor, " elements"] | None:
            found = self._mask(masks, number)
            if found is None:
                return None
            return classes.of(found, found.under(features.places, features.valid.shape[1]))

        rows = element_rows(self.encode(numbers), of_mask, each, self.options.seed)
        target, known = classes.sorted(rows[2])
        return self._rows(rows[0], rows[1], target, known, "element")

    def _rows(
        self,
        index: Int[Tensor, " rows"],
        vectors: Tensor,
        target: AbstractTarget,
        known: Shaped[Tensor, "rows ..."],
        word: str,
    ) -> LabelledVectors:
        """Vectors with their groups and splits."""
        if not len(index):
            raise ValueError(f"none of the labelled items can be read, so no {word} can be asked about")
        if isinstance(target, Classes) and len(names := known.unique()) == 1:
            raise ValueError(
                f"all {counted(len(known), f'labelled {word}')} are of one class, {target.names[int(names[0])]!r}; "
                "protocols need two classes at least"
            )
        some, place = index.unique(return_inverse=True)
        numbers, options = some.tolist(), self.options
        groups = groups_of(self.items, numbers, options.group)[place]
        splits: tuple[Split, ...]
        if options.test:
            tested = under_paths(self.items, numbers, options.test)[place]
            splits = (given_split(tested, torch.ones_like(tested)),)
        elif options.split is not None:
            tested, used = split_at(options.split, self.items, numbers, self.skipped is not None)
            splits = (given_split(tested[place], used[place]),)
        else:
            splits = folds(known, groups, options.folds, options.seed)
        return LabelledVectors(vectors, target, known, groups, splits, index)

    def _masked(self, masks: AbstractMasks[ItemT], numbers: Sequence[int]) -> Iterator[MaskedFeatures]:
        group = dict(zip(numbers, groups_of(self.items, numbers, self.options.group).tolist(), strict=True))
        for index, features in self.encode(numbers):
            for row, number in enumerate(index):
                found = self._mask(masks, number)
                if found is not None:
                    yield MaskedFeatures(alone(features, row), found, group[number])

    def _drawn(self, numbers: Sequence[int]) -> list[int]:
        """Up to `most` of the items, in their order."""
        return drawn(numbers, self.options.most, self.options.seed)

    def _mask(self, masks: AbstractMasks[ItemT], number: int) -> ItemMasks | None:
        """The masks of an item; None where it has none, or they cannot be read and bad ones are left out."""
        try:
            return masks.of_item(number, read_item(self.items, number, np.random.default_rng(0)))
        except BadItemError as error:
            if self.skipped is None:
                raise
            self.skipped.append(Skipped(error.name, error.reason))
            return None

    def _pool(self) -> Callable[[FeatureMap], Tensor]:
        return item_means_and_sums if self.options.sums else item_means

    def _source(self) -> ItemSource[ItemT]:
        modality = self.modality
        return ItemSource(
            lambda number: read_item(self.items, number, np.random.default_rng(0)),
            modality.collate,
            self.encoder,
            self._pool(),
            modality.views.views[0],
            modality.transforms,
        )


def _of_elements(labels: Labels) -> bool:
    """Whether what is known is known of elements: a class of each, or values of each."""
    return labels.known.ndim > (2 if labels.known.is_floating_point() else 1)


def fitted(known: Shaped[Tensor, "longest ..."], one: FeatureMap) -> Shaped[Tensor, "elements ..."]:
    """What is known of an item's own elements, whatever the longest item has; nothing of elements beyond it."""
    count, unknown = one.valid.shape[1], torch.nan if known.is_floating_point() else -1
    said = torch.full((count, *known.shape[1:]), unknown, dtype=known.dtype)
    said[: len(known)] = known[:count]
    return said


def _described(rows: LabelledVectors | None, word: str) -> list[tuple[str, str]]:
    assert rows is not None
    tested, learned = len(rows.tested()), len(rows.splits[0].train)
    one = len(rows.splits) == 1
    sides = f"{learned} to learn from, {tested} tested" if one else f"{len(rows.splits)} folds, each tested once"
    facts = [(f"labelled {word}s", str(len(rows.index))), (f"groups of {word}s", str(len(rows.groups.unique())))]
    if isinstance(rows.target, Classes):
        facts.append((f"classes of {word}s", str(len(rows.known.unique()))))
    return [*facts, (f"split of {word}s", sides), *_never_learned(rows, word)]


def _never_learned(rows: LabelledVectors, word: str) -> list[tuple[str, str]]:
    """The classes that are asked about and that nothing to learn from has: every answer is wrong there.

    The most frequent are named.
    """
    if not isinstance(rows.target, Classes):
        return []
    sides = [(rows.known[split.test], rows.known[split.train].unique()) for split in rows.splits]
    strange = torch.cat([asked[~torch.isin(asked, learned)] for asked, learned in sides])
    numbers, counts = strange.unique(return_counts=True)
    if not len(numbers):
        return []
    order = counts.argsort(descending=True, stable=True)[:NAMED]
    pairs = zip(numbers[order].tolist(), counts[order].tolist(), strict=True)
    first = [f"{rows.target.names[number]} ({count})" for number, count in pairs]
    more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    return [(f"tested {word}s of classes that none to learn from has, all wrong", ", ".join(first) + more)]

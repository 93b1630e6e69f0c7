"""Whether the classes of test items, or of their elements, can be told from frozen vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

import numpy as np
import torch

from gestalt.core.data.feature_map import item_means
from gestalt.core.data.items import AbstractItems, read_item
from gestalt.core.evaluation.protocols import (
    AbstractProtocol,
    EvaluationData,
    LabelledVectors,
    evaluated,
)
from gestalt.core.evaluation.protocols.knn import Knn
from gestalt.core.evaluation.protocols.linear import LinearProbe
from gestalt.core.evaluation.splitting import given_split
from gestalt.core.experiment.predictions import encode
from gestalt.core.experiment.recipe import ExperimentData, Label
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.evaluating import fitted
from gestalt.core.runs.gathering import Encoded, element_rows, item_rows
from gestalt.core.training.labels import Labels

ItemT = TypeVar("ItemT")

KNN, PROBE = "k-NN", "linear probe"
PROTOCOLS: dict[str, AbstractProtocol] = {KNN: Knn(), PROBE: LinearProbe(shares=(1.0,))}
CHUNK = 25
EACH = 8
"""Labelled elements of one item that are asked about."""


@final
@dataclass(frozen=True)
class KnownClasses(Generic[ItemT]):
    """The items whose classes are known: some of those that are learned from, then the test items.

    Attributes:
        modality: of the items.
        read: an item by its place among these.
        labels: what is known of each.
        trained: so many of them, from the first on, are items to learn from.
        seed: of the draw of elements.
    """

    modality: AbstractModality[ItemT]
    read: Callable[[int], ItemT]
    labels: Labels
    trained: int
    seed: int

    @classmethod
    def of(
        cls, modality: AbstractModality[ItemT], data: ExperimentData[ItemT, Any], most: int, seed: int
    ) -> "KnownClasses[ItemT] | None":
        """Up to `most` items to learn from, drawn by chance, and all test items; None where a recipe knows no classes.

        Asking for a label may mean making the item, so no more are asked than are needed.
        """
        if data.label is None or data.evaluated_label is None:
            return None
        learned: dict[int, Label] = {}
        for index in torch.randperm(len(data.items), generator=torch.Generator().manual_seed(seed)).tolist():
            label = data.label(index)
            if _says(label):
                learned[index] = label
            if len(learned) == most:
                break
        asked = {place: data.evaluated_label(place) for place in range(len(data.evaluated))}
        asked = {place: label for place, label in asked.items() if _says(label)}
        if not learned or not asked:
            return None
        numbers, places, items, tests = list(learned), list(asked), data.items, data.evaluated

        def read(number: int) -> ItemT:
            return _read(items, numbers[number]) if number < len(numbers) else tests[places[number - len(numbers)]]

        return cls(modality, read, _labels([*learned.values(), *asked.values()]), len(numbers), seed)

    def scores(self, network: Network) -> dict[str, float]:
        """The accuracy of k-NN and of a linear probe on test items, from the items to learn from."""
        known = self.labels.known
        if known.ndim == 1:
            index, vectors = item_rows(self._encoded(network), item_means)
            said = known[index]
        else:
            index, vectors, said = element_rows(
                self._encoded(network), lambda number, one: fitted(known[number], one), EACH, self.seed
            )
        split = given_split(index >= self.trained, torch.ones_like(index, dtype=torch.bool))
        rows = LabelledVectors(vectors, self.labels.target, said, index, (split,), index)
        found = evaluated(EvaluationData(items=rows, seed=self.seed), PROTOCOLS, resamples=2)
        return {name: found.score(name, "accuracy") for name in PROTOCOLS}

    def _encoded(self, network: Network) -> Encoded:
        for start in range(0, len(self.labels.known), CHUNK):
            index = tuple(range(start, min(start + CHUNK, len(self.labels.known))))
            yield index, encode(network, self.modality.collate([self.read(number) for number in index]))


def _says(label: Label) -> bool:
    return any(one is not None for one in label) if isinstance(label, tuple) else label is not None


def _labels(found: Sequence[Label]) -> Labels:
    """Of elements where any item says what its elements are, of items otherwise."""
    if any(isinstance(label, tuple) for label in found):
        return Labels.of_elements([label if isinstance(label, tuple) else None for label in found])
    return Labels.of([label if isinstance(label, str) else None for label in found])


def _read(items: AbstractItems[ItemT], index: int) -> ItemT:
    return read_item(items, index, np.random.default_rng(0))

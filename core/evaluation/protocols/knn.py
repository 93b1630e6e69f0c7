"""Weighted nearest neighbours, as DINO evaluates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from ...components.ranges import Count, Positive, check_ranges
from ...methods.targets import FromNeighbours
from ..neighbours import neighbour_weights
from ..splitting import Split
from .base import (
    AbstractProtocol,
    Answer,
    EvaluationData,
    LabelledVectors,
    NotApplicableError,
    answer,
    items_of,
    measure_of,
    over_splits,
)

CHUNK = 1024


@final
@dataclass(frozen=True)
class Knn(AbstractProtocol):
    """The k nearest training items by cosine similarity s vote for their classes with weight exp(s / τ).

    p(c) ∝ Σ_{i ∈ N_k} exp(s_i / τ) [y_i = c]; a value is the mean of the neighbours' values with the same weights.
    Nothing is trained.

    Args:
        neighbours: k, each a variant; one beyond the training items of a split takes all of them.
        temperature: τ.

    Source: DINO (Caron et al., 2021), `eval_knn.py`: k of 10, 20, 100 and 200, of which 20 is mostly best, τ = 0.07.
    """

    neighbours: tuple[Count, ...] = (20,)
    temperature: Positive = 0.07
    title: ClassVar[str] = "k-NN"
    of: ClassVar[Literal["items", "elements", "masked"]] = "items"

    def __post_init__(self) -> None:
        object.__setattr__(self, "neighbours", tuple(self.neighbours))
        check_ranges(self)
        if not self.neighbours:
            raise ValueError("neighbours must be one number at least, got none")

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One for every k."""
        rows = items_of(data)
        if not isinstance(rows.target, FromNeighbours):
            raise NotApplicableError("needs a target that neighbours can answer: classes, labels or values of items")
        found = []
        for count in self.neighbours:
            outputs = over_splits(rows, lambda split, count=count: self._of(rows, split, count)[None])  # type: ignore[misc]
            fewest = min(len(split.train) for split in rows.splits)
            note = f"{fewest} items to learn from, all of them are asked" if fewest < count else ""
            found.append(answer(rows, f"{count} neighbours", outputs, measure_of(rows.target), note))
        return found

    def _of(self, rows: LabelledVectors, split: Split, count: int) -> Float[Tensor, "test outputs"]:
        bank, known = normalize(rows.vectors[split.train].float(), dim=1), rows.known[split.train]
        assert isinstance(rows.target, FromNeighbours)
        parts = []
        for queries in rows.vectors[split.test].split(CHUNK):
            weight, place = neighbour_weights(queries, bank, count, self.temperature)
            parts.append(rows.target.from_neighbours(weight, known[place]))
        return torch.cat(parts)

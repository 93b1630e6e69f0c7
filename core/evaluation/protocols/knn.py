"""Weighted nearest neighbours, as DINO evaluates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from ...components.ranges import Count, Positive, check_ranges
from ...methods.targets import Classes
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
NO_VOTE = 1e-12
"""The share of votes of a class without any: its logarithm is finite."""


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
        if rows.known.ndim > 1 and not rows.known.is_floating_point():
            raise NotApplicableError("needs one class, or values, for every item")
        found = []
        for count in self.neighbours:
            outputs = over_splits(rows, lambda split, count=count: self._of(rows, split, count)[None])  # type: ignore[misc]
            fewest = min(len(split.train) for split in rows.splits)
            note = f"{fewest} items to learn from, all of them are asked" if fewest < count else ""
            found.append(answer(rows, f"{count} neighbours", outputs, measure_of(rows.target), note))
        return found

    def _of(self, rows: LabelledVectors, split: Split, count: int) -> Float[Tensor, "test outputs"]:
        bank = normalize(rows.vectors[split.train].float(), dim=1)
        known = rows.known[split.train]
        parts = []
        for queries in rows.vectors[split.test].float().split(CHUNK):
            similarity, place = (normalize(queries, dim=1) @ bank.T).topk(min(count, len(bank)), dim=1)
            # Relative to the nearest one, so that no temperature overflows; shares stay the same.
            weight = ((similarity - similarity[:, :1]) / self.temperature).double().exp()
            weight = weight / weight.sum(dim=1, keepdim=True)
            if isinstance(rows.target, Classes):
                parts.append(_shares(weight, known[place], len(rows.target.names)).clamp(min=NO_VOTE).log())
            else:
                parts.append(_means(weight, known[place].double()))
        return torch.cat(parts)


def _shares(
    weight: Float[Tensor, "queries k"], classes: Int[Tensor, "queries k"], count: int
) -> Float[Tensor, "queries classes"]:
    return weight.new_zeros(len(weight), count).scatter_add_(1, classes.long(), weight)


def _means(
    weight: Float[Tensor, "queries k"], values: Float[Tensor, "queries k values"]
) -> Float[Tensor, "queries values"]:
    """Weighted means over the neighbours whose value is known; the values' own mean is 0 where none is."""
    there = weight[..., None] * ~values.isnan()
    return (there * values.nan_to_num()).sum(dim=1) / there.sum(dim=1).clamp(min=NO_VOTE)

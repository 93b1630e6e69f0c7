"""The labelled vectors themselves: nearest neighbours."""

from typing import Annotated, final

import torch
from jaxtyping import Float
from torch import Tensor

from ...components.ranges import Between, Count, Positive, Width, check_ranges
from ...data.feature_map import FeatureMap
from ...evaluation.neighbours import neighbour_weights
from ...methods.targets import AbstractTarget, FromNeighbours
from .base import AbstractFittedHead, Standard, of_rows

CHUNK = 1024


@final
class NearestRows(AbstractFittedHead):
    """The k nearest labelled vectors, by the cosine of standardised vectors, answer with weights exp(s / τ).

    Args:
        target: what it is that they answer.
        inputs: length of the vectors.
        rows: how many labelled vectors there are.
        columns: numbers that are known of each; 0 for the number of a class.
        neighbours: k.
        temperature: τ.

    Source: DINO's `eval_knn.py`, after Wu et al. (2018); on standardised vectors (ours).
    """

    vectors: Tensor
    known: Tensor

    def __init__(
        self,
        target: AbstractTarget,
        inputs: Width,
        rows: Count,
        columns: Annotated[int, Between(0, 65536)],
        neighbours: Count = 20,
        temperature: Positive = 0.07,
    ) -> None:
        super().__init__()
        self.target, self.inputs, self.rows, self.columns = target, inputs, rows, columns
        self.neighbours, self.temperature = neighbours, temperature
        check_ranges(self)
        self.standard = Standard(inputs)
        self.register_buffer("vectors", torch.zeros(rows, inputs))
        known = torch.zeros(rows, columns) if columns else torch.zeros(rows, dtype=torch.long)
        self.register_buffer("known", known)

    def forward(self, asked: FeatureMap) -> Float[Tensor, "batch asked outputs"]:
        """See the class."""
        return of_rows(_Each(self), asked)


@final
class _Each(torch.nn.Module):
    """Some rows at a time, so that memory does not grow with their number."""

    def __init__(self, head: NearestRows) -> None:
        super().__init__()
        self.head = head

    def forward(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        head = self.head
        assert isinstance(head.target, FromNeighbours)
        parts = [rows.new_zeros(0, head.target.outputs)]
        for some in head.standard(rows).split(CHUNK):
            weight, place = neighbour_weights(some, head.vectors, head.neighbours, head.temperature)
            parts.append(head.target.from_neighbours(weight, head.known[place]).to(rows))
        return torch.cat(parts)

"""What a clustering leaves behind: prototypes, and the type that each stands for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

AT_ONCE = 1 << 24
"""Distances in memory at a time."""
NONE = -1


@final
@dataclass(frozen=True)
class Prototypes:
    """An object has the type of its nearest prototype, argmin_p ‖x − p‖² − o_p, or none beyond that one's reach.

    Attributes:
        vectors: p.
        types: the type of every prototype; several may stand for one.
        reach: greatest distance at which a prototype gives its type; infinite where every object has one.
        offsets: o_p, by which prototypes are favoured.
        axes: x is projected on these first; None for as it is.
        directions: x has unit length first.
        tried: what was measured for every number of types that was tried, by the number.

    Example:
        >>> found = Prototypes.of(torch.tensor([[0.0], [1.0], [9.0]]), torch.tensor([0, 0, 1]))
        >>> found.types_of(torch.tensor([[1.2], [7.0]])).tolist()
        [0, 1]
    """

    vectors: Float[Tensor, "prototypes dim"]
    types: Int[Tensor, " prototypes"]
    reach: Float[Tensor, " prototypes"]
    offsets: Float[Tensor, " prototypes"]
    axes: Float[Tensor, "whole dim"] | None = None
    directions: bool = False
    tried: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        vectors: Float[Tensor, "prototypes dim"],
        types: Int[Tensor, " prototypes"] | None = None,
        tried: Mapping[int, float] | None = None,
    ) -> "Prototypes":
        """Prototypes without bounds and offsets; each of a type of its own, if nothing else is said."""
        count = len(vectors)
        types = torch.arange(count) if types is None else types
        return cls(vectors, types, torch.full((count,), torch.inf), torch.zeros(count), tried=dict(tried or {}))

    @property
    def count(self) -> int:
        """How many types there are."""
        return int(self.types.max()) + 1 if len(self.types) else 0

    def types_of(self, rows: Float[Tensor, "rows whole"]) -> Int[Tensor, " rows"]:
        """The type of every row, −1 for none."""
        if not len(self.vectors):
            return torch.full((len(rows),), NONE)
        chunks = rows.split(max(AT_ONCE // len(self.vectors), 1))
        return torch.cat([self._of_some(chunk) for chunk in chunks]) if len(rows) else torch.empty(0, dtype=torch.long)

    def _of_some(self, rows: Float[Tensor, "rows whole"]) -> Int[Tensor, " rows"]:
        rows = rows if self.axes is None else rows @ self.axes
        rows = normalize(rows, dim=1) if self.directions else rows
        distance = torch.cdist(rows, self.vectors, compute_mode="donot_use_mm_for_euclid_dist")
        place = (distance.square() - self.offsets).argmin(dim=1)
        within = distance.gather(1, place[:, None])[:, 0] <= self.reach[place]
        return torch.where(within, self.types[place], NONE)

"""Types that have about as many objects each: labels by optimal transport."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ....components.ranges import Count, Positive, Rounds, check_ranges
from ....losses.sinkhorn import cluster_offsets
from ..prototypes import AT_ONCE, Prototypes
from .base import AbstractClustering, refuse_few
from .estimating import estimated
from .k_means import centres_of

ITERATIONS, TOLERANCE = 1000, 0.01


@final
@dataclass(frozen=True)
class BalancedTypes(AbstractClustering):
    """Clusters of equal size, as SeLa's labels are: optimal transport and new centres by turns."""

    number: Count | None = None
    """How many types; none: the number of the best silhouette on a sample."""
    most: Count = 40
    """Greatest number that is tried."""
    sharpness: Positive = 25.0
    """Weight of the distances against the entropy of the labels; the greater, the harder they are."""
    rounds: Rounds = 20
    """Most rounds of labels and centres."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def fit(self, rows: Float[Tensor, "rows dim"], items: Int[Tensor, " rows"], seed: int) -> Prototypes:  # noqa: ARG002
        """Labels y(i) = argmax_k −λ ‖x_i − c_k‖² / s + g_k, with g such that all K types have as many rows; c_k are
        their means; s is the mean squared distance of rows and centres.

        Source: Asano et al., "Self-labelling via simultaneous clustering and representation learning" (2020), λ = 25.
        There a network learns the labels between two rounds; here vectors are given, and centres follow them.
        """
        refuse_few(rows, self.number or 1)
        number, tried = (self.number, {}) if self.number else estimated(rows, self.most, seed)
        found = self._balanced(rows, Prototypes.of(centres_of(rows, number, 3, seed), tried=tried))
        labels = found.types_of(rows)
        for _ in range(self.rounds):
            former, held = labels, labels.bincount(minlength=found.count)
            sums = torch.zeros_like(found.vectors).index_add_(0, labels, rows)
            means = torch.where(held[:, None] > 0, sums / held.clamp(min=1)[:, None], found.vectors)
            found = self._balanced(rows, replace(found, vectors=means))
            labels = found.types_of(rows)
            if torch.equal(labels, former):
                break
        return found

    def _balanced(self, rows: Float[Tensor, "rows dim"], found: Prototypes) -> Prototypes:
        """The same centres with offsets by which all have as many rows."""
        parts = rows.split(max(AT_ONCE // len(found.vectors), 1))
        apart = torch.cat([torch.cdist(part, found.vectors).square().mean(dim=1) for part in parts])
        unit = float(apart.mean().clamp(min=1e-12)) / self.sharpness

        def scores() -> Iterator[Float[Tensor, "chunk types"]]:
            yield from (-torch.cdist(part, found.vectors).square().double() / unit for part in parts)

        none = rows.new_zeros(0, len(found.vectors), dtype=torch.double)
        offsets = cluster_offsets(scores, none, ITERATIONS, TOLERANCE)
        return replace(found, offsets=(offsets * unit).float())

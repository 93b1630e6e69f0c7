"""k-means: types of about the same extent."""

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ....components.ranges import Count, check_ranges
from ..prototypes import Prototypes
from .base import AbstractClustering, refuse_few
from .estimating import estimated


@final
@dataclass(frozen=True)
class KMeansTypes(AbstractClustering):
    """k-means, with a given number of types or that of the best silhouette."""

    number: Count | None = None
    """How many types; none: the number of the best silhouette on a sample."""
    most: Count = 40
    """Greatest number that is tried."""
    starts: Count = 10
    """Starts of k-means, of which the best is taken."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def fit(self, rows: Float[Tensor, "rows dim"], items: Int[Tensor, " rows"], seed: int) -> Prototypes:  # noqa: ARG002
        """The centres of the clusters, each a type."""
        refuse_few(rows, self.number or 1)
        number, tried = (self.number, {}) if self.number else estimated(rows, self.most, seed)
        return Prototypes.of(centres_of(rows, number, self.starts, seed), tried=tried)


def centres_of(rows: Float[Tensor, "rows dim"], number: int, starts: int, seed: int) -> Float[Tensor, "number dim"]:
    """The centres of scikit-learn's k-means; fewer where rows are equal."""
    from sklearn.cluster import KMeans

    number = min(number, len(rows.unique(dim=0)))
    how: Any = starts  # typed as a text there
    found: Any = KMeans(number, n_init=how, random_state=seed).fit(rows.double().numpy())
    return torch.from_numpy(found.cluster_centers_).float()

"""Many small clusters, merged where they occur in the same items: types that have several parts or faces."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ....components.ranges import Count, Positive, Share, check_ranges
from ....data.feature_map import FeatureMap
from ...codebooks import fitted_codebook, with_communities
from ..prototypes import Prototypes
from .base import AbstractClustering, refuse_few

ITEMS = 256
"""Items at a time."""


@final
@dataclass(frozen=True)
class CommunityTypes(AbstractClustering):
    """Overclustering with community detection, over objects: clusters that occur together are one type."""

    clusters: Count = 60
    """Clusters, more than there are types; as many as a fifth of the objects at most."""
    threshold: Share = 0.09
    """Least share of occurrences together at which two clusters are joined."""
    resolution: Positive = 1.0
    """Of the communities; more makes them smaller."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def fit(self, rows: Float[Tensor, "rows dim"], items: Int[Tensor, " rows"], seed: int) -> Prototypes:
        """Directions of clusters, each with its community.

        Source: Leopart (Ziegler and Asano, 2022), see `with_communities`. There elements are clustered, and neighbours
        are elements beside one another; here objects are, and neighbours are the objects of one item.
        """
        refuse_few(rows, 2)
        one = FeatureMap(rows[None], torch.ones(1, len(rows), dtype=torch.bool))
        book = fitted_codebook([one], max(2, min(self.clusters, len(rows) // 5)), len(rows), seed=seed)
        book = with_communities(book, _by_item(rows, items), self.threshold, self.resolution, seed)
        return replace(Prototypes.of(book.centres.clone(), book.objects.clone()), directions=True)


def _by_item(rows: Float[Tensor, "rows dim"], items: Int[Tensor, " rows"]) -> Iterator[FeatureMap]:
    """The objects of every item as a set in which all are neighbours, some items at a time."""
    order = items.argsort(stable=True)
    _, counts = items[order].unique_consecutive(return_counts=True)
    parts = rows[order].split(counts.tolist())
    for first in range(0, len(parts), ITEMS):
        features = FeatureMap.padded(list(parts[first : first + ITEMS]))
        yield replace(features, neighbours=features.valid[:, :, None] & features.valid[:, None])

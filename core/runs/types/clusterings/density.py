"""Types of any shape and number, where objects lie dense; what lies apart is of none."""

from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ....components.ranges import Count, PositiveShare, check_ranges
from ..prototypes import Prototypes
from .base import AbstractClustering, refuse_few


@final
@dataclass(frozen=True)
class DensityTypes(AbstractClustering):
    """HDBSCAN; what is noise to it is of no type."""

    least: Count = 8
    """Fewest objects of a type."""
    neighbours: Count = 4
    """Neighbours by which density is measured."""
    axes: Count = 16
    """Principal components in which density is measured: in many dimensions nothing lies dense."""
    sample: Count = 10_000
    """Most objects that take part: time grows with the square of their number."""
    kept: Count = 200
    """Objects of every type that are kept, by which others are given it."""
    share: PositiveShare = 0.95
    """Share of a type's objects that lie within its reach of the kept ones."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def fit(self, rows: Float[Tensor, "rows dim"], items: Int[Tensor, " rows"], seed: int) -> Prototypes:  # noqa: ARG002
        """Members of every cluster. A further object has the type of the nearest one, if it lies within its reach: the
        distance from another member within which `share` of the members lie.

        Source: Campello, Moulavi and Sander, "Density-based clustering based on hierarchical density estimates" (2013),
        by scikit-learn, with the leaves of the hierarchy.
        """
        from sklearn.cluster import HDBSCAN

        refuse_few(rows, max(self.least, self.neighbours, 2))
        chance = torch.Generator().manual_seed(seed)
        axes = _principal(rows, self.axes)
        some = rows[torch.randperm(len(rows), generator=chance)[: self.sample]] @ axes
        how: Any = {"min_cluster_size": max(self.least, 2), "min_samples": self.neighbours, "copy": True}
        labels = torch.from_numpy(HDBSCAN(**how, cluster_selection_method="leaf").fit_predict(some.numpy())).long()
        vectors, types, reach = [some[:0]], [labels[:0]], [some[:0, 0]]
        for number in range(int(labels.max()) + 1):
            members = some[labels == number]
            members = members[torch.randperm(len(members), generator=chance)]
            own = members[: self.kept]
            apart = torch.cdist(members, own)
            apart[: len(own)].fill_diagonal_(torch.inf)
            bound = apart.amin(dim=1).quantile(self.share)
            vectors.append(own)
            types.append(torch.full((len(own),), number))
            reach.append(bound.expand(len(own)))
        joined = torch.cat(vectors)
        return Prototypes(joined, torch.cat(types), torch.cat(reach), torch.zeros(len(joined)), axes)


def _principal(rows: Float[Tensor, "rows dim"], most: int) -> Float[Tensor, "dim axes"]:
    """The directions of the greatest variance."""
    centred = (rows - rows.mean(dim=0)).double()
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    axes: Float[Tensor, "dim axes"] = vectors.flip(1)[:, :most].float().contiguous()
    return axes

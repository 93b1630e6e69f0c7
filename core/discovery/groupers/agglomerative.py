"""Merging the nearest clusters of each item until few are left."""

from typing import Literal, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...components.ranges import ObjectCount, Weight, check_ranges
from ...data.feature_map import FeatureMap
from ...data.precision import full_precision
from ...data.segmentation import Segmentation
from .affinity import squared_distances
from .base import AbstractGrouper
from .lloyd import Draws
from .points import points


@final
class Agglomerative(AbstractGrouper):
    """Every element begins as a cluster; the two nearest clusters merge until `objects` are left.

    Distances from a merged cluster follow from those of its parts (Lance and Williams), with sizes n:

    - average: d(i∪j, k) = (n_i d_ik + n_j d_jk) / (n_i + n_j), the mean distance between members;
    - ward: d²(i∪j, k) = ((n_i + n_k) d²_ik + (n_j + n_k) d²_jk − n_k d²_ij) / (n_i + n_j + n_k), twice the growth of
      the sum of squares.

    Args:
        objects: number of clusters K per item; an item with fewer distinct elements has fewer.
        linkage: "ward" makes compact clusters of like size, "average" lets single strange elements stand alone.
        spherical: scale features to unit length first, as in `KMeans`.
        position: weight of the elements' positions on their grid, as in `KMeans`.

    Equal elements always end in one cluster. Nothing is drawn at random but the numbering of the objects. The merges of
    all items run side by side; each compares all pairs, so time grows with the cube of the elements, memory with their
    square: 1000 elements are many. Of pairs at exactly equal distance, the first in the order of elements merges first.

    Source: Ward, "Hierarchical grouping to optimize an objective function" (1963); Lance and Williams (1967). Odin's
    patent application leaves the grouping open, [0063].

    Example:
        >>> x = torch.tensor([[[0.0], [9.0], [1.0], [5.0]]])
        >>> features = FeatureMap(x, torch.ones(1, 4, dtype=torch.bool))
        >>> a, b, c, d = Agglomerative(2, spherical=False)(features, torch.Generator()).labels()[0].tolist()
        >>> a == c, b == d, a == b
        (True, True, False)
    """

    def __init__(
        self,
        objects: ObjectCount,
        linkage: Literal["average", "ward"] = "ward",
        spherical: bool = True,
        position: Weight = 0.0,
    ) -> None:
        super().__init__()
        self.objects = objects
        self.linkage: Literal["average", "ward"] = linkage
        self.spherical = spherical
        self.position = position
        check_ranges(self)

    @torch.no_grad()
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """Hard segments, numbered along a random direction of feature space.

        Raises:
            ValueError: if positions are asked for and the features lie on no grid.
        """
        with full_precision(features.values):
            scaled = points(features, self.spherical, self.position)
            place = Draws.along_a_random_direction(scaled, 1, generator).place
            squared = squared_distances(scaled, features.valid)
        distance = squared.sqrt() if self.linkage == "average" else squared
        owner = merge(distance, features.valid, self.objects, self.linkage)
        labels = _numbered(owner, features.valid, place)
        return Segmentation.from_labels(labels, self.objects, features.places)


def merge(
    distance: Float[Tensor, "batch elements elements"],
    valid: Bool[Tensor, "batch elements"],
    objects: int,
    linkage: Literal["average", "ward"],
) -> Int[Tensor, "batch elements"]:
    """The cluster of every element, named by one of its members. Padding keeps its own name.

    `distance` is ∞ where one of the two is padding, and squared for Ward's linkage.
    """
    batch, elements, _ = distance.shape
    distance = distance + torch.diag_embed(torch.full((batch, elements), torch.inf)).to(distance)
    size = valid.to(distance)
    owner = torch.arange(elements, device=distance.device).repeat(batch, 1)
    left = valid.sum(dim=1)
    for _ in range(elements - 1):
        least, pair = distance.flatten(1).min(dim=1)
        active = ((left > objects) | (least == 0)) & least.isfinite()
        if not bool(active.any()):
            break
        row = active.nonzero()[:, 0]
        one, two = pair[row] // elements, pair[row] % elements
        merged = _joined(distance, size, row, one, two, least[row], linkage)
        distance[row, two], distance[row, :, two] = torch.inf, torch.inf
        merged[torch.arange(len(row)), one] = torch.inf
        merged[torch.arange(len(row)), two] = torch.inf
        distance[row, one], distance[row, :, one] = merged, merged
        size[row, one] += size[row, two]
        left[row] -= 1
        owner[row] = torch.where(owner[row] == two[:, None], one[:, None], owner[row])
    return owner


def _joined(
    distance: Tensor,
    size: Tensor,
    row: Int[Tensor, " rows"],
    one: Int[Tensor, " rows"],
    two: Int[Tensor, " rows"],
    apart: Float[Tensor, " rows"],
    linkage: Literal["average", "ward"],
) -> Float[Tensor, "rows elements"]:
    """The distances of a merged cluster from all others; ∞ stays ∞."""
    first, second = distance[row, one], distance[row, two]
    n_first, n_second = size[row, one][:, None], size[row, two][:, None]
    if linkage == "average":
        return (n_first * first + n_second * second) / (n_first + n_second)
    others = size[row]
    joined = (n_first + others) * first + (n_second + others) * second - others * apart[:, None]
    return joined / (n_first + n_second + others)


def _numbered(
    owner: Int[Tensor, "batch elements"], valid: Bool[Tensor, "batch elements"], place: Float[Tensor, "batch elements"]
) -> Int[Tensor, "batch elements"]:
    """Clusters numbered from 0 by the first of their members along a line; −1 on padding."""
    place = torch.where(valid, place, torch.inf)
    first = torch.full_like(place, torch.inf).scatter_reduce(1, owner, place, "amin")
    rank = first.argsort(dim=1).argsort(dim=1)
    return torch.where(valid, rank.gather(1, owner), -1)

"""From elements to regions and back: what a grouper gets in place of elements, and what becomes of its objects."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ...data.course import Course
from ...data.feature_map import FeatureMap, Grid
from ...data.resampling import refined
from ...data.segmentation import Segmentation
from .base import AbstractOverSegmentation, FineSegments, Seen


@final
@dataclass(frozen=True)
class GroupRegions:
    """Group regions in place of elements: outlines come from the data, membership from what was learned.

    Every fine segment becomes one element of a set, with the mean of the learned vectors in it, its size in elements,
    and the segments that touch it as its neighbours. Where fine segments lie on a finer lattice, vectors are
    interpolated onto it.

    Args:
        source: cuts items into fine segments.
        unit: average vectors of unit length, so that no element counts for more than another.
        in_order: elements of a set that does not say which are neighbours touch where one follows the other: words.
    """

    source: AbstractOverSegmentation
    unit: bool = True
    in_order: bool = False

    def fine(
        self, features: FeatureMap, seen: Seen | None, generator: torch.Generator, window: int | Course | None = None
    ) -> FineSegments:
        """The fine segments, on the device of the features; see `AbstractOverSegmentation.cut`."""
        found = self.source.cut(features, seen, generator, window)
        return FineSegments(found.labels.to(features.values.device), found.grid)

    def pooled(self, features: FeatureMap, fine: FineSegments) -> FeatureMap:
        """The regions of every item as a set, with neighbours and sizes."""
        if self.unit:
            features = features.with_values(torch.nn.functional.normalize(features.values.float(), dim=-1))
        if fine.grid is not None and fine.grid is not features.grid:
            features = refined(features, fine.grid)
        batch, count, dim = len(fine.labels), fine.count, features.values.shape[2]
        there = (fine.labels >= 0) & features.valid
        bins = torch.where(there, fine.labels, count)  # one bin behind the last for what is in no segment
        size = features.values.new_zeros(batch, count + 1).scatter_add(1, bins, there.to(features.values))
        total = features.values.new_zeros(batch, count + 1, dim)
        total = total.scatter_add(1, bins[..., None].expand(-1, -1, dim), features.values)
        mean = total[:, :-1] / size[:, :-1, None].clamp(min=1)
        near = _touching(bins, count, features, self.in_order)
        return FeatureMap(mean, size[:, :-1] > 0, neighbours=near, sizes=size[:, :-1])

    def spread(self, found: Segmentation, fine: FineSegments) -> Segmentation:
        """Objects of regions on the elements of the fine segments: every element takes the weights of its region.

        Objects behind the last that any item has are left out: there are far more elements than regions.
        """
        there = (found.weights > 0).any(dim=2).any(dim=0).nonzero()
        count = int(there.max()) + 1 if len(there) else 1
        index = fine.labels.clamp(min=0)[:, None].expand(-1, count, -1)
        weights = found.weights[:, :count].gather(2, index) * (fine.labels >= 0)[:, None]
        return Segmentation(weights, fine.grid, found.whole)


def _touching(
    bins: Int[Tensor, "batch elements"], count: int, features: FeatureMap, in_order: bool
) -> Bool[Tensor, "batch regions regions"]:
    """Which regions have elements next to one another."""
    batch = len(bins)
    near = torch.zeros(batch, (count + 1) ** 2, dtype=torch.bool, device=bins.device)
    for one, other in _pairs(bins, features, in_order):
        near.scatter_(1, one * (count + 1) + other, True)
    near = near.view(batch, count + 1, count + 1)[:, :count, :count]
    near = near | near.mT
    return near & ~torch.eye(count, dtype=torch.bool, device=bins.device)


def _pairs(bins: Int[Tensor, "batch elements"], features: FeatureMap, in_order: bool) -> list[tuple[Tensor, Tensor]]:
    """The regions of elements that are next to one another, in pairs.

    Raises:
        ValueError: if the elements are a set, and nobody knows which are neighbours.
    """
    if features.neighbours is not None:
        joined = features.neighbours
        last = bins.max() if bins.numel() else 0
        one = torch.where(joined, bins[:, :, None], last).flatten(1)
        other = torch.where(joined, bins[:, None], last).flatten(1)
        return [(one, other)]
    if features.grid is None and in_order:
        return [(bins[:, :-1], bins[:, 1:])]
    if features.grid is None:
        raise ValueError(
            "these elements are a set, and nobody says which are neighbours; let the encoder fill "
            "FeatureMap.neighbours, or say that they touch in their order: GroupRegions(…, in_order=True)"
        )
    grid: Grid = features.grid
    lattice = bins.view(-1, *grid.shape)
    pairs = []
    for axis in range(1, lattice.ndim):
        size = lattice.shape[axis]
        one, other = lattice.narrow(axis, 0, size - 1), lattice.narrow(axis, 1, size - 1)
        pairs.append((one.flatten(1), other.flatten(1)))
    return pairs

"""Neighbours merge into regions while they are alike."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...components.ranges import ObjectCount, Weight, check_ranges
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from ..concat_features import centred, standardised
from .base import AbstractGrouper
from .merging import at_once, merged_neighbours, no_neighbours, touching_pairs


@final
class Regions(AbstractGrouper):
    """Merges neighbouring regions, the most alike first, until one more merger would cost too much.

    Every element begins as a region of its own, or stands for one already (`FeatureMap.sizes`). Two regions a and b
    that touch may merge at Ward's cost, the growth of Σ_s Σ_{i∈s} ‖x_i − μ_s‖² that comes of it:
    n_a n_b / (n_a + n_b) · ‖μ_a − μ_b‖². The cheapest merger is made first; the last one costs at most `penalty` times
    the mean ‖x_i − μ‖² of the item's elements. So objects stay in one piece, and their number follows from the item.

    Args:
        penalty: what a further object must explain, in units of one average element's share of the variance.
        objects: greatest number of objects per item; beyond it even regions that do not touch merge.
        standardise: scale every feature to unit variance within the item, so that no single one rules.

    Elements touch where `features.neighbours` says so, or where they lie next to each other along an axis of the grid.
    Time and memory grow with the pairs of elements that touch. On a GPU, up to 1024 elements are compared with all
    others for every merger: memory grows with their square, and work with their cube.

    Source: Ward (1963) with the connectivity constraint of scikit-learn's `AgglomerativeClustering`; costs are updated
    by the formula of Lance and Williams (1967), and relative to the item's own variance.

    Example: a path whose ends are alike but far apart.

        >>> x = torch.tensor([[[0.0], [0.1], [5.0], [5.1], [0.0], [0.0]]])
        >>> path = torch.diag(torch.ones(5), 1)[None] > 0
        >>> features = FeatureMap(x, torch.ones(1, 6, dtype=torch.bool), neighbours=path | path.mT)
        >>> Regions(penalty=0.5)(features, torch.Generator()).labels().tolist()
        [[0, 0, 1, 1, 2, 2]]
    """

    def __init__(self, penalty: Weight = 0.5, objects: ObjectCount = 32, standardise: bool = False) -> None:
        super().__init__()
        self.penalty = penalty
        self.objects = objects
        self.standardise = standardise
        check_ranges(self)

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Hard segments, numbered as they appear; nothing is drawn at random.

        Raises:
            ValueError: if nobody knows which elements are neighbours.
        """
        points = standardised(features) if self.standardise else centred(features)
        valid = features.valid
        size = valid.to(points) if features.sizes is None else torch.where(valid, features.sizes.to(points), 0.0)
        if features.sizes is not None:
            whole = size.sum(dim=1)[:, None, None].clamp(min=1)
            points = torch.where(
                valid[..., None], points - (points * size[..., None]).sum(1, keepdim=True) / whole, 0.0
            )
        spread = (points.square().sum(dim=2) * size).sum(dim=1) / size.sum(dim=1).clamp(min=1)
        bound = (self.penalty * spread).clamp(min=1e-9)  # rounding may leave costs a hair above a bound of zero
        if at_once(features):
            region = _merged(points, size, touching(features), bound, self.objects)
        else:
            sums, pairs = points * size[..., None], touching_pairs(features)
            region = merged_neighbours(sums, size, size > 0, pairs, "ward", bound.tolist(), self.objects)
        labels = torch.where(valid, _numbered(region, valid), -1)
        return Segmentation.from_labels(labels, self.objects, features.places)


def touching(features: FeatureMap) -> Bool[Tensor, "batch elements elements"]:
    """Which valid elements are neighbours.

    Raises:
        ValueError: if the features are a set without `neighbours`.
    """
    if features.neighbours is not None:
        near = features.neighbours
    elif features.grid is not None:
        places = torch.cartesian_prod(*(torch.arange(n) for n in features.grid.shape)).view(features.grid.elements, -1)
        apart = (places[:, None] - places[None]).abs().sum(dim=2)
        near = (apart == 1)[None].to(features.valid.device)
    else:
        raise no_neighbours()
    return near & features.valid[:, :, None] & features.valid[:, None]


def _merged(
    points: Float[Tensor, "batch elements dim"],
    size: Float[Tensor, "batch elements"],
    near: Bool[Tensor, "batch elements elements"],
    bound: Float[Tensor, " batch"],
    objects: int,
) -> Int[Tensor, "batch elements"]:
    """For every element the first element of its region."""
    batch, elements, _ = points.shape
    rows, places = torch.arange(batch, device=points.device), torch.arange(elements, device=points.device)
    region = places.expand(batch, -1).clone()
    valid, size = size > 0, size.clone()
    share = size[:, :, None] * size[:, None] / (size[:, :, None] + size[:, None]).clamp(min=1e-6)
    cost = torch.cdist(points, points).square() * share
    near = near.clone()
    alive = valid.clone()
    for _ in range(elements - 1):
        pairs = alive[:, :, None] & alive[:, None] & (places[:, None] < places)
        together = (pairs & near).flatten(1).any(dim=1)  # where none touch, any two may merge if there are too many
        among = pairs & (near | ~together[:, None, None])
        least, where = torch.where(among, cost, torch.inf).flatten(1).min(dim=1)
        going = least.isfinite() & (((least <= bound) & together) | (alive.sum(dim=1) > objects))
        if not bool(going.any()):
            break
        one, two = where // elements, where % elements
        a, b, own = size[rows, one], size[rows, two], cost[rows, one, two]
        # Lance and Williams: what the merged region costs with every other, from what its parts cost.
        total = (a + b)[:, None] + size
        new = (a[:, None] + size) * cost[rows, one] + (b[:, None] + size) * cost[rows, two] - size * own[:, None]
        new = torch.where(going[:, None], new / total.clamp(min=1), cost[rows, one])
        touch = torch.where(going[:, None], near[rows, one] | near[rows, two], near[rows, one])
        cost[rows, one], cost[rows, :, one] = new, new
        near[rows, one], near[rows, :, one] = touch, touch
        size[rows, one] = torch.where(going, a + b, a)
        alive[rows, two] &= ~going
        region = torch.where(going[:, None] & (region == two[:, None]), one[:, None], region)
    return region


def _numbered(region: Int[Tensor, "batch elements"], valid: Bool[Tensor, "batch elements"]) -> Tensor:
    """Regions numbered 0, 1, … by their first elements."""
    first = (region == torch.arange(region.shape[1], device=region.device)) & valid
    return (first.cumsum(dim=1) - 1).gather(1, region)

"""k-means over the elements of each item, all items of a batch at once."""

from typing import final

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..feature_map import FeatureMap
from ..segmentation import Segmentation
from .base import AbstractGrouper


@final
class KMeans(AbstractGrouper):
    """Lloyd's algorithm from k-means++ seeds, per item: argmin Σ_i ‖x_i − μ_{c(i)}‖².

    Args:
        objects: number of clusters K per item; an item with fewer distinct elements uses fewer. The Odin document
            advises at least the average number of objects, better twice that.
        iterations: Lloyd iterations.
        spherical: compare directions only, with features and centres of unit length (cosine). Otherwise features are
            centred and scaled per item to unit mean square, so that `position` has the same meaning for any encoder.
        position: weight of the elements' positions on their grid, each axis scaled to [−1, 1] over the item;
            0 ignores where elements lie, 1 weighs a whole axis about as much as the features.

    An empty cluster keeps its centre and may win elements back later. All items share the same random numbers, so an
    item's clusters do not depend on which items share its batch; and seeds are drawn along a random direction of
    feature space, so they do not depend on the order of the elements either.

    Example:
        >>> x = torch.tensor([[[0.0, 1], [0, 1.1], [5, 0], [5, 0.1]]])
        >>> features = FeatureMap(x, torch.ones(1, 4, dtype=torch.bool))
        >>> a, b, c, d = KMeans(objects=2)(features, torch.Generator().manual_seed(0)).labels()[0].tolist()
        >>> a == b, c == d, a == c
        (True, True, False)
    """

    def __init__(self, objects: int, iterations: int = 10, spherical: bool = True, position: float = 0.0) -> None:
        super().__init__()
        if objects < 1 or iterations < 1 or position < 0:
            raise ValueError(
                "KMeans needs objects ≥ 1, iterations ≥ 1 and position ≥ 0, "
                f"got objects={objects}, iterations={iterations}, position={position}"
            )
        self.objects = objects
        self.iterations = iterations
        self.spherical = spherical
        self.position = position

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """Hard segments, one per cluster that has elements.

        Raises:
            ValueError: if positions are asked for and the features lie on no grid.
        """
        points = self._points(features)
        draws = torch.rand(self.objects, generator=generator).to(points)
        direction = torch.randn(points.shape[-1], generator=generator).to(points)
        centres = _seeds(points, features.valid, direction, draws)
        for _ in range(self.iterations):
            labels = _nearest(points, centres)
            centres = self._centres(points, features.valid, labels, centres)
        labels = torch.where(features.valid, _nearest(points, centres), -1)
        return Segmentation.from_labels(labels, self.objects, features.grid)

    def _points(self, features: FeatureMap) -> Float[Tensor, "batch elements dim"]:
        valid = features.valid[..., None]
        values = torch.where(valid, features.values.float(), 0.0)
        if self.spherical:
            values = torch.nn.functional.normalize(values, dim=-1)
        else:
            count = valid.sum(dim=1, keepdim=True).clamp(min=1)
            values = torch.where(valid, values - values.sum(dim=1, keepdim=True) / count, 0.0)
            square = values.square().sum(dim=(1, 2), keepdim=True) / count
            values = values * torch.rsqrt(square.clamp(min=1e-12))
        if self.position == 0:
            return values
        if features.grid is None:
            raise ValueError("position weighs the elements' place on a grid, but these elements are a set; set it to 0")
        places = features.grid.centres().to(values).expand(len(values), -1, -1)
        low = torch.where(valid, places, torch.inf).amin(dim=1, keepdim=True)
        high = torch.where(valid, places, -torch.inf).amax(dim=1, keepdim=True)
        scaled = (2 * places - low - high) / (high - low).clamp(min=1e-12)
        return torch.cat([values, torch.where(valid, scaled, 0.0) * self.position], dim=-1)

    def _centres(
        self,
        points: Float[Tensor, "batch elements dim"],
        valid: Bool[Tensor, "batch elements"],
        labels: Int[Tensor, "batch elements"],
        former: Float[Tensor, "batch objects dim"],
    ) -> Float[Tensor, "batch objects dim"]:
        member = torch.nn.functional.one_hot(labels, self.objects).to(points) * valid[..., None]
        sums = einsum(member, points, "b n k, b n d -> b k d")
        counts = member.sum(dim=1)[..., None]
        means = torch.where(counts > 0, sums / counts.clamp(min=1), former)
        return torch.nn.functional.normalize(means, dim=-1) if self.spherical and self.position == 0 else means


def _seeds(
    points: Float[Tensor, "batch elements dim"],
    valid: Bool[Tensor, "batch elements"],
    direction: Float[Tensor, " dim"],
    draws: Float[Tensor, " objects"],
) -> Float[Tensor, "batch objects dim"]:
    """k-means++: each seed is drawn with probability proportional to its squared distance from the nearest so far.

    A draw u in [0, 1) picks the element at which the cumulative probability, along `direction`, passes u.
    """
    order = torch.where(valid, points @ direction, torch.inf).argsort(dim=1)
    points = points.gather(1, order[..., None].expand_as(points))
    valid = valid.gather(1, order)
    chance = valid.to(points)
    nearest = torch.full_like(chance, torch.inf)
    seeds = []
    for draw in draws:
        cumulative = chance.cumsum(dim=1)
        chosen = torch.searchsorted(cumulative, draw * cumulative[:, -1:], right=True)
        # Rounding may run past the last element of positive chance; step back onto it.
        last = (chance > 0).to(torch.int32).cumsum(dim=1).argmax(dim=1, keepdim=True)
        seed = points.gather(1, torch.minimum(chosen, last)[..., None].expand(-1, -1, points.shape[-1]))
        seeds.append(seed)
        nearest = torch.minimum(nearest, (points - seed).square().sum(dim=-1))
        remaining = torch.where(valid, nearest, 0.0)
        # An item with fewer distinct elements than clusters repeats a seed; the repeated clusters stay empty.
        chance = torch.where((remaining > 1e-12).any(dim=1, keepdim=True), remaining, valid.to(points))
    return torch.cat(seeds, dim=1)


def _nearest(
    points: Float[Tensor, "batch elements dim"], centres: Float[Tensor, "batch objects dim"]
) -> Int[Tensor, "batch elements"]:
    """The nearest centre of every point; ‖x‖² is the same for all centres and left out."""
    reach = einsum(points, centres, "b n d, b k d -> b n k")
    return (centres.square().sum(dim=-1)[:, None] / 2 - reach).argmin(dim=-1)

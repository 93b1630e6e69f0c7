"""How many objects an item has, item by item, up to a bound."""

from collections.abc import Sequence
from typing import Annotated, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import Between, check_ranges
from ...data.feature_map import FeatureMap
from ...data.precision import full_precision
from ...data.segmentation import Segmentation
from .affinity import squared_distances
from .base import AbstractGrouper
from .points import points


@final
class Estimated(AbstractGrouper):
    """Groups every item several times, and keeps for each the segmentation that fits it best.

    Args:
        groupers: the candidates, such as `[KMeans(k) for k in range(1, 9)]`.
        by: what fits best. "silhouette": the greatest mean silhouette (b − a) / max(a, b), with a an element's mean
            distance from its own object's elements and b that from the nearest other object's; a single object scores
            `structure`. "bic": the greatest Bayesian information criterion log L − (p / 2) log n of spherical Gaussians
            of one common variance about the objects' means, with p = K (d + 1) parameters.
        structure: silhouette below which an item is taken to be one object, if a candidate offers one.
        spherical: compare directions only, as the candidates do by default.

    Candidates are tried in turn, so it takes as long as all of them together; `Spectral(estimate=True)` and
    `ChangePoints` find their number at once.

    Source: Rousseeuw, "Silhouettes" (1987), and 0.25 as the least sign of structure from Kaufman and Rousseeuw,
    *Finding Groups in Data* (1990); Pelleg and Moore, "X-means" (2000), for the criterion. The Odin patent only says
    that the number may be chosen by the content, [0063].

    Example:
        >>> from gestalt.core.discovery.groupers import Agglomerative
        >>> x = torch.tensor([[[0.0], [0.1], [5.0], [5.1], [9.0], [9.1]]])
        >>> features = FeatureMap(x, torch.ones(1, 6, dtype=torch.bool))
        >>> grouper = Estimated([Agglomerative(k, spherical=False) for k in range(1, 5)], spherical=False)
        >>> labels = grouper(features, torch.Generator().manual_seed(0)).labels()
        >>> len(labels[0].unique())
        3
    """

    def __init__(
        self,
        groupers: Sequence[AbstractGrouper],
        by: Literal["silhouette", "bic"] = "silhouette",
        structure: Annotated[float, Between(-1.0, 1.0)] = 0.25,
        spherical: bool = True,
    ) -> None:
        super().__init__()
        if not groupers:
            raise ValueError("Estimated chooses among at least one grouper, got none")
        self.groupers = nn.ModuleList(groupers)
        self.by: Literal["silhouette", "bic"] = by
        self.structure = structure
        self.spherical = spherical
        check_ranges(self)

    @torch.no_grad()
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """For every item the segments of its best candidate; of equal ones, the first."""
        seed = int(torch.randint(2**62, (), generator=generator))
        found = [grouper(features, torch.Generator().manual_seed(seed)) for grouper in self.groupers]
        with full_precision(features.values):
            scaled = features.with_values(points(features, self.spherical))
            score = silhouette if self.by == "silhouette" else criterion
            scores = torch.stack([score(scaled, segments) for segments in found])
        best = torch.where(scores.isnan(), self.structure, scores).argmax(dim=0)
        most = max(segments.objects for segments in found)
        weights = torch.stack([nn.functional.pad(s.weights, (0, 0, 0, most - s.objects)) for s in found])
        return Segmentation(weights[best, torch.arange(len(best))], features.places, found[0].whole)


def silhouette(features: FeatureMap, segments: Segmentation) -> Float[Tensor, " batch"]:
    """The mean silhouette of every item's elements; NaN for an item of fewer than two objects.

    Soft segments count by their heaviest object, and elements of no object not at all. An element alone in its object
    scores 0.

    Example:
        >>> line = FeatureMap(torch.tensor([[[0.0], [1.0], [9.0], [10.0]]]), torch.ones(1, 4, dtype=torch.bool))
        >>> round(silhouette(line, Segmentation.from_labels(torch.tensor([[0, 0, 1, 1]]), 2)).item(), 3)
        0.889
    """
    labels = segments.labels()
    member = Segmentation.from_labels(torch.where(features.valid, labels, -1), segments.objects).weights
    distance = squared_distances(features.values, features.valid).sqrt().nan_to_num(posinf=0.0)
    counts = member.sum(dim=2)
    total = torch.bmm(distance, member.transpose(1, 2))  # of every element to every object
    own = member.transpose(1, 2) > 0
    others = torch.where(own | (counts == 0)[:, None], torch.inf, total / counts.clamp(min=1)[:, None]).amin(dim=2)
    mates = torch.where(own, counts[:, None] - 1, 0.0).sum(dim=2)
    within = torch.where(own, total, 0.0).sum(dim=2) / mates.clamp(min=1)
    scores = torch.where(mates > 0, (others - within) / torch.maximum(others, within).clamp(min=1e-12), 0.0)
    placed = own.any(dim=2)
    mean = torch.where(placed, scores, 0.0).sum(dim=1) / placed.sum(dim=1).clamp(min=1)
    return torch.where((counts > 0).sum(dim=1) >= 2, mean, torch.nan)


def criterion(features: FeatureMap, segments: Segmentation) -> Float[Tensor, " batch"]:
    """The Bayesian information criterion of spherical Gaussians about the objects' means; greater is better.

    Example:
        >>> line = FeatureMap(torch.tensor([[[0.0], [0.1], [9.0], [9.1]]]), torch.ones(1, 4, dtype=torch.bool))
        >>> one, two = (Segmentation.from_labels(torch.tensor([n]), 2) for n in ([0, 0, 0, 0], [0, 0, 1, 1]))
        >>> bool(criterion(line, two) > criterion(line, one))
        True
    """
    dim = features.values.shape[2]
    weights = segments.weights * features.valid[:, None]
    mass = weights.sum(dim=2)
    number = mass.sum(dim=1)
    means = segments.pool(features).vectors
    squares = (weights.sum(dim=1) * features.values.square().sum(dim=2)).sum(dim=1)
    scatter = (squares - (mass * means.square().sum(dim=2)).sum(dim=1)).clamp(min=0)
    used = (mass > 0).sum(dim=1)
    free = (number - used).clamp(min=1) * dim
    variance = (scatter / free).clamp(min=1e-6)
    shares = torch.where(mass > 0, mass * (mass / number.clamp(min=1)[:, None]).clamp(min=1e-12).log(), 0.0).sum(dim=1)
    likelihood = shares - number * dim / 2 * (2 * torch.pi * variance).log() - scatter / variance / 2
    return likelihood - used * (dim + 1) / 2 * number.clamp(min=1).log()

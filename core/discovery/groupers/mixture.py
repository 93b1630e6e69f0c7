"""Expectation maximisation of a Gaussian mixture over the elements of each item."""

import math
from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...components.ranges import ObjectCount, Positive, Rounds, Weight, check_ranges
from ...data.feature_map import FeatureMap
from ...data.precision import full_precision
from ...data.segmentation import Segmentation
from .base import AbstractGrouper
from .lloyd import Draws, clusters
from .points import points

NEGLIGIBLE = 1e-3
"""A posterior below this is taken as 0: an object is present only where something shows it."""


@final
class Mixture(AbstractGrouper):
    """A soft segmentation: the posteriors p(k | x) ∝ π_k N(x; μ_k, Σ_k) of a Gaussian mixture fitted to each item.

    Every iteration takes the posteriors r_ki at the present parameters, then
    π_k = Σ_i r_ki / n, μ_k = Σ_i r_ki x_i / Σ_i r_ki, σ²_k = Σ_i r_ki (x_i − μ_k)² / Σ_i r_ki, in no dimension below
    the floor. It starts from a few iterations of k-means; components without elements have π = 0.

    Args:
        objects: number of components K per item; an item with fewer distinct elements uses fewer.
        iterations: of expectation maximisation.
        covariance: "diagonal" has one variance per component and dimension, "spherical" one per component.
        floor: least variance, as a share of the item's mean variance per dimension. With few elements and many
            dimensions variances are estimated too small, and posteriors grow as hard as k-means; a higher floor keeps
            them soft.
        spherical: scale features to unit length first, as in `KMeans`.
        position: weight of the elements' positions on their grid, as in `KMeans`.

    Source: expectation-maximisation clustering is the Odin patent's alternative to k-means, [0063]; a soft
    segmentation is that of [0030]. Kind of covariance, start and floor are ours. Posteriors below 0.001 are set to 0,
    and the others scaled to sum to 1.

    Example:
        >>> x = torch.tensor([[[0.0], [0.2], [5.0], [5.2], [2.6]]])
        >>> features = FeatureMap(x, torch.ones(1, 5, dtype=torch.bool))
        >>> mixture = Mixture(objects=2, spherical=False, floor=0.3)
        >>> weights = mixture(features, torch.Generator().manual_seed(0)).weights[0]
        >>> weights.sum(dim=0).tolist(), [round(share, 1) for share in weights[:, 4].sort().values.tolist()]
        ([1.0, 1.0, 1.0, 1.0, 1.0], [0.5, 0.5])
    """

    def __init__(
        self,
        objects: ObjectCount,
        iterations: Rounds = 20,
        covariance: Literal["diagonal", "spherical"] = "diagonal",
        floor: Positive = 0.01,
        spherical: bool = True,
        position: Weight = 0.0,
    ) -> None:
        super().__init__()
        self.objects = objects
        self.iterations = iterations
        self.covariance: Literal["diagonal", "spherical"] = covariance
        self.floor = floor
        self.spherical = spherical
        self.position = position
        check_ranges(self)

    @torch.no_grad()
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """Soft segments: the posteriors of every element.

        Raises:
            ValueError: if positions are asked for and the features lie on no grid.
        """
        with full_precision(features.values):
            scaled = points(features, self.spherical, self.position)
            draws = Draws.along_a_random_direction(scaled, self.objects, generator)
            labels = clusters(scaled, features.valid, draws, iterations=5)
            posteriors = Segmentation.from_labels(labels, self.objects).weights
            least = self.floor * _mean_variance(scaled, features.valid)
            fitted = fit(scaled, posteriors, least, self.covariance)
            for _ in range(self.iterations):
                posteriors = log_joint(scaled, fitted).softmax(dim=1) * features.valid[:, None]
                fitted = fit(scaled, posteriors, least, self.covariance, fitted)
            posteriors = log_joint(scaled, fitted).softmax(dim=1) * features.valid[:, None]
        kept = torch.where(posteriors >= NEGLIGIBLE, posteriors, 0.0)
        weights = kept / kept.sum(dim=1, keepdim=True).clamp(min=NEGLIGIBLE)
        return Segmentation(weights, features.places, torch.zeros_like(features.valid[:, 0]))


@final
@dataclass(frozen=True)
class Gaussians:
    """The parameters of the mixture of every item."""

    log_shares: Float[Tensor, "batch objects"]
    means: Float[Tensor, "batch objects dim"]
    variances: Float[Tensor, "batch objects dim"]


def fit(
    points: Float[Tensor, "batch elements dim"],
    posteriors: Float[Tensor, "batch objects elements"],
    least: Float[Tensor, " batch"],
    covariance: Literal["diagonal", "spherical"],
    former: Gaussians | None = None,
) -> Gaussians:
    """The maximisation step: the parameters of greatest likelihood for given posteriors.

    A component without elements has share 0 and keeps its former mean. Elements without posteriors are padding.
    """
    mass = posteriors.sum(dim=2)
    total = mass.sum(dim=1, keepdim=True).clamp(min=1e-12)
    share = posteriors / mass.clamp(min=1e-12)[..., None]
    means = torch.bmm(share, points)
    if former is not None:
        means = torch.where(mass[..., None] > 0, means, former.means)
    # Σ r (x − μ)² / Σ r = Σ r x² / Σ r − μ²; the points are centred or of unit length, and the floor is far above what
    # cancellation leaves.
    variances = torch.bmm(share, points.square()) - means.square()
    if covariance == "spherical":
        variances = variances.mean(dim=2, keepdim=True).expand_as(variances)
    return Gaussians((mass / total).log(), means, torch.maximum(variances, least[:, None, None]))


def log_joint(
    points: Float[Tensor, "batch elements dim"], gaussians: Gaussians
) -> Float[Tensor, "batch objects elements"]:
    """log π_k + log N(x_i; μ_k, σ²_k), up to rounding in products of matrices.

    Example:
        >>> one = Gaussians(torch.zeros(1, 1), torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
        >>> round(log_joint(torch.tensor([[[1.0]]]), one).item(), 4)  # −(1 + log 2π) / 2
        -1.4189
    """
    precision = 1 / gaussians.variances
    across = torch.bmm(precision, points.square().transpose(1, 2))
    across = torch.baddbmm(across, gaussians.means * precision, points.transpose(1, 2), alpha=-2)
    constant = (gaussians.means.square() * precision + gaussians.variances.log() + math.log(2 * math.pi)).sum(dim=2)
    return gaussians.log_shares[..., None] - (across + constant[..., None]) / 2


def _mean_variance(
    points: Float[Tensor, "batch elements dim"], valid: Bool[Tensor, "batch elements"]
) -> Float[Tensor, " batch"]:
    """The variance of an item's points, averaged over dimensions; kept from zero."""
    count = valid.sum(dim=1).clamp(min=1)
    mean = points.sum(dim=1) / count[:, None]
    spread = torch.where(valid[..., None], points - mean[:, None], 0.0).square().sum(dim=(1, 2))
    return (spread / count / points.shape[2]).clamp(min=1e-6)

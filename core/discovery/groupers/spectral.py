"""Normalised cuts of the graph of an item's elements."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...components.ranges import Count, ObjectCount, Rounds, Weight, check_ranges
from ...data.feature_map import FeatureMap
from ...data.precision import full_precision
from ...data.segmentation import Segmentation
from .affinity import affinities, squared_distances
from .base import AbstractGrouper
from .lloyd import Draws, clusters
from .points import points

SMALL = 1e-3
"""Eigenvectors whose eigenvalue is below this fade: they say nothing about groups, only about rounding."""


@final
class Spectral(AbstractGrouper):
    """Cuts each item's graph of elements so that little affinity is cut and no part is small (the normalised cut).

    The relaxed problem min_U tr Uᵀ (D − W) U subject to Uᵀ D U = I is solved by the eigenvectors of
    D^{-1/2} W D^{-1/2} with the greatest eigenvalues, scaled by D^{-1/2}; k-means on their rows gives the objects. W
    are the self-tuned affinities of `affinities`, D = diag(Σ_j w_ij).

    Args:
        objects: number of parts K per item, or their greatest number with `estimate`.
        estimate: take for each item the number of parts after which the eigenvalues fall most (the eigengap), up to
            `objects`.
        neighbours: which neighbour's distance is an element's own scale.
        sparse: keep only affinities between nearest neighbours; otherwise all.
        iterations: Lloyd iterations on the rows.
        spherical: compare directions only, as in `KMeans`.
        position: weight of the elements' positions on their grid, as in `KMeans`.

    It finds parts of any shape, where k-means finds balls. Time grows with the cube of the elements and memory with
    their square. Where eigenvalues K and K + 1 are equal, the choice among their vectors is arbitrary, as is any number
    of parts that the graph does not suggest.

    Source: Shi and Malik, "Normalized cuts and image segmentation" (2000), with the k-way rounding of von Luxburg, "A
    tutorial on spectral clustering" (2007), section 4, and its eigengap, section 8.3. The Odin patent leaves the
    grouping open, [0063].

    Example:
        >>> angle = torch.arange(12) / 12 * 2 * torch.pi
        >>> ring = torch.stack([angle.cos(), angle.sin()], dim=1)
        >>> features = FeatureMap(torch.cat([0.2 * ring, 3 * ring])[None], torch.ones(1, 24, dtype=torch.bool))
        >>> grouper = Spectral(objects=2, neighbours=3, spherical=False)
        >>> labels = grouper(features, torch.Generator().manual_seed(0)).labels()[0]
        >>> len(labels[:12].unique()), len(labels[12:].unique()), bool(labels[0] == labels[12])
        (1, 1, False)
    """

    def __init__(
        self,
        objects: ObjectCount,
        estimate: bool = False,
        neighbours: Count = 7,
        sparse: bool = False,
        iterations: Rounds = 10,
        spherical: bool = True,
        position: Weight = 0.0,
    ) -> None:
        super().__init__()
        self.objects = objects
        self.estimate = estimate
        self.neighbours = neighbours
        self.sparse = sparse
        self.iterations = iterations
        self.spherical = spherical
        self.position = position
        check_ranges(self)

    @torch.no_grad()
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """Hard segments, one per part.

        Raises:
            ValueError: if positions are asked for and the features lie on no grid.
        """
        with full_precision(features.values):
            scaled = points(features, self.spherical, self.position)
            # Eigenvectors may be turned and reflected at will; places in the space of the features may not.
            draws = Draws.along_a_random_direction(scaled, self.objects, generator)
            weights = affinities(squared_distances(scaled, features.valid), self.neighbours, self.sparse)
            rows, numbers = embedding(weights, features.valid, self.objects, self.estimate)
            labels = clusters(rows, features.valid, draws, self.iterations, parts=numbers)
        return Segmentation.from_labels(labels, self.objects, features.places)


def embedding(
    weights: Float[Tensor, "batch elements elements"],
    valid: Bool[Tensor, "batch elements"],
    objects: int,
    estimate: bool,
) -> tuple[Float[Tensor, "batch elements objects"], Int[Tensor, " batch"]]:
    """The rows that k-means groups, and the number of parts of every item.

    Vectors beyond an item's number of parts are 0, as are rows of padding.
    """
    degree = weights.sum(dim=2)
    root = torch.where(valid, degree.clamp(min=1e-12).rsqrt(), 0.0)
    normal = root[:, :, None] * weights * root[:, None]
    # Padding is cut off from the rest; −2 puts its eigenvalues behind all others, which lie in [−1, 1].
    padded = normal - 2 * torch.diag_embed((~valid).to(normal))
    wanted = min(objects + 1, normal.shape[1])
    values, vectors = torch.linalg.eigh(padded)
    values, vectors = values.flip(1)[:, :wanted], vectors.flip(2)[:, :, :objects]
    values = torch.nn.functional.pad(values, (0, objects + 1 - wanted), value=-2.0)
    vectors = torch.nn.functional.pad(vectors, (0, objects - vectors.shape[2]))
    numbers = _eigengap(values) if estimate else torch.full_like(values[:, 0], objects, dtype=torch.long)
    used = torch.arange(objects, device=values.device) < numbers[:, None]
    # One step of power iteration makes the rows of equal elements equal again.
    smooth = torch.bmm(normal, vectors) / values[:, None, :objects].clamp(min=SMALL)
    return torch.where(used[:, None], root[..., None] * smooth, 0.0), numbers


def _eigengap(values: Float[Tensor, "batch values"]) -> Int[Tensor, " batch"]:
    """After how many eigenvalues they fall most; padding and opposition (negative values) count as 0."""
    positive = values.clamp(min=0)
    return (positive[:, :-1] - positive[:, 1:]).argmax(dim=1) + 1

"""Clusters of the vectors of a whole data set by their directions, a part of the rows at a time."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...losses.distances import unit

SCORES = 1 << 24
"""Scores in memory at a time."""


@torch.no_grad()
def spherical_kmeans(
    vectors: Float[Tensor, "rows dim"], clusters: int, iterations: int, generator: torch.Generator
) -> tuple[Int[Tensor, " rows"], Float[Tensor, "clusters dim"]]:
    """The cluster of every row, and the centroids: unit vectors, from rows that are drawn at random.

    Rows belong to the centroid of the greatest cosine; a centroid is the direction of the sum of its rows, and an empty
    one stays where it is. Of fewer rows than clusters some are drawn more than once.

    Args:
        vectors: rows of any length, at least one.
        clusters: K.
        iterations: of Lloyd's algorithm.
        generator: draws the start.

    Source: Dhillon and Modha, "Concept decompositions for large sparse text data using clustering" (2001).

    Example:
        >>> rows = torch.tensor([[1.0, 0.1], [2.0, 0.1], [0.1, 1.0], [0.1, 3.0]])
        >>> labels, _ = spherical_kmeans(rows, 2, 5, torch.Generator().manual_seed(0))
        >>> labels[0] == labels[1], labels[2] == labels[3], labels[0] == labels[2]
        (tensor(True), tensor(True), tensor(False))
    """
    rows = unit(vectors)
    drawn = torch.randperm(len(rows), generator=generator).repeat(-(-clusters // len(rows)))[:clusters]
    centroids = rows[drawn.to(rows.device)]
    for _ in range(iterations):
        labels = nearest_direction(rows, centroids)
        sums = torch.zeros_like(centroids).index_add_(0, labels, rows)
        held = labels.bincount(minlength=clusters) > 0
        centroids = torch.where(held[:, None], unit(sums), centroids)
    return nearest_direction(rows, centroids), centroids


def nearest_direction(
    rows: Float[Tensor, "rows dim"], centroids: Float[Tensor, "clusters dim"]
) -> Int[Tensor, " rows"]:
    """The centroid of the greatest product with every row."""
    parts = rows.split(max(SCORES // len(centroids), 1))
    return torch.cat([(part @ centroids.T).argmax(dim=1) for part in parts])

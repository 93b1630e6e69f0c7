"""How alike any two elements of an item are: the graph that spectral grouping cuts."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

TINY = 1e-6


def squared_distances(
    points: Float[Tensor, "batch elements dim"], valid: Bool[Tensor, "batch elements"]
) -> Float[Tensor, "batch elements elements"]:
    """‖x_i − x_j‖² between the elements of each item; ∞ where one of them is padding, 0 on the diagonal of the others.

    What cancellation leaves between equal points is taken as 0.

    Example:
        >>> squared_distances(torch.tensor([[[0.0], [3.0]]]), torch.tensor([[True, True]])).tolist()
        [[[0.0, 9.0], [9.0, 0.0]]]
    """
    squares = points.square().sum(dim=2)
    reach = squares[:, :, None] + squares[:, None]
    distance = reach - 2 * torch.bmm(points, points.transpose(1, 2))
    distance = torch.where(distance > TINY * reach, distance, 0.0)
    distance = (distance + distance.transpose(1, 2)) / 2  # products of matrices may round either side its own way
    distance.diagonal(dim1=1, dim2=2).zero_()
    return torch.where(valid[:, :, None] & valid[:, None], distance, torch.inf)


def affinities(
    squared: Float[Tensor, "batch elements elements"], neighbours: int, sparse: bool
) -> Float[Tensor, "batch elements elements"]:
    """w_ij = exp(−d²_ij / (σ_i σ_j)) with σ_i the distance of i from its `neighbours`-th nearest element.

    `sparse` keeps only pairs of which one is among the nearest of the other (ties included). Padding has no affinity to
    anything. An item with fewer elements takes its farthest as that neighbour.

    Source: Zelnik-Manor and Perona, "Self-tuning spectral clustering" (2004), with `neighbours` = 7. Every element is
    wholly like itself here (w_ii = 1), so that equal elements have equal rows.
    """
    inside = squared.isfinite()
    count = inside.sum(dim=2, keepdim=True)
    place = torch.minimum(torch.full_like(count, neighbours), count - 1).clamp(min=0)
    radius = squared.sort(dim=2).values.gather(2, place)  # of itself at distance 0 first, then of the others
    radius = torch.where(inside.any(dim=2, keepdim=True), radius, 1.0)
    scale = (radius * radius.transpose(1, 2)).sqrt()
    typical = torch.where(inside, squared, 0.0).sum(dim=(1, 2), keepdim=True) / inside.sum(
        dim=(1, 2), keepdim=True
    ).clamp(min=1)
    weights = torch.where(inside, torch.exp(-squared / scale.clamp(min=TINY).maximum(TINY * typical)), 0.0)
    if not sparse:
        return weights
    near = squared <= radius * (1 + TINY)
    return weights * (near | near.transpose(1, 2))

"""Assignments to clusters that are used alike: Sinkhorn–Knopp, in the log domain and over all ranks."""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..distributed.ranks import gather
from .distances import Temperature, at_least_float, checked


@torch.no_grad()
def sinkhorn(
    scores: Float[Tensor, "rows clusters"],
    temperature: Temperature = 0.05,
    iterations: int = 3,
    tolerance: float = 0.0,
    present: Bool[Tensor, " rows"] | None = None,
) -> Float[Tensor, "rows clusters"]:
    """Soft assignments of rows to clusters of which each gets the same in all: Q = diag(u) e^{S/ε} diag(v).

    Each iteration first lets every cluster hold an equal share of all rows, then every row sum to 1; so rows sum to 1
    exactly, and clusters hold equal shares up to what the iterations leave. Sums over rows run over the rows of all
    ranks, so that N ranks get what one rank gets of the joined rows. No gradient enters: assignments are targets.

    Args:
        scores: S, of every row for every cluster.
        temperature: ε, the weight of the entropy; the smaller, the closer Q is to one cluster per row.
        iterations: at most so many.
        tolerance: they end once no cluster's weight, log v, moves by more than this.
        present: rows that take part; the others enter no sum and get zeros. None for all.

    Raises:
        ValueError: if the temperature is not positive.

    Source: Cuturi, "Sinkhorn distances" (2013); Caron et al. (2020, SwAV) with ε = 0.05 and 3 iterations; Asano et al.
    (2020, SeLa). They multiply exponentials; the log domain bears any temperature.

    Example:
        >>> alike = torch.tensor([[0.9, 0.1], [0.8, 0.1], [0.7, 0.1]])  # all rows prefer the first cluster
        >>> assigned = sinkhorn(alike, temperature=0.05, iterations=100)
        >>> [round(share, 2) for share in assigned.sum(dim=0).tolist()]
        [1.5, 1.5]
    """
    logits = at_least_float(scores) / checked(temperature)
    here = logits if present is None else logits[present]
    shares = (here + cluster_offsets(lambda: (here,), here[:0], iterations, tolerance)).softmax(dim=1)
    return shares if present is None else torch.zeros_like(logits).index_put_((present.nonzero()[:, 0],), shares)


@torch.no_grad()
def cluster_offsets(
    chunks: Callable[[], Iterable[Float[Tensor, "chunk clusters"]]],
    like: Float[Tensor, "none clusters"],
    iterations: int,
    tolerance: float = 0.0,
) -> Float[Tensor, " clusters"]:
    """g = log v of `sinkhorn`, up to a constant: assignments are the soft-max of S/ε + g over clusters.

    Args:
        chunks: gives S/ε anew at every call, a part of this rank's rows at a time, so that memory holds one part.
        like: no rows, of their clusters, device and precision.
        iterations: at most so many passes.
        tolerance: see `sinkhorn`.
    """
    offsets = like.new_zeros(like.shape[1])
    for number in range(iterations):
        total = torch.full_like(offsets, -torch.inf)
        for logits in chunks():
            balanced = logits - (logits + offsets).logsumexp(dim=1, keepdim=True) if number else logits
            total = torch.logaddexp(total, balanced.logsumexp(dim=0))
        everyone, _ = gather(total[None])
        total = everyone.logsumexp(dim=0)
        former, offsets = offsets, torch.where(total.isfinite(), -total, 0.0)
        offsets = offsets - offsets.mean()  # a constant changes no assignment
        if number and float((offsets - former).abs().max()) <= tolerance:
            break
    return offsets

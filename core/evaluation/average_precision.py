"""How well scored boxes or masks find the true ones: average precision, as COCO defines it."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

THRESHOLDS = tuple(0.5 + 0.05 * step for step in range(10))
"""Overlaps from which on something counts as found, over which the mean is taken."""
RECALLS = 101
"""Places of recall, from 0 to 1, at which precision is read."""


def average_precision(
    overlaps: Sequence[Float[Tensor, "_ _"]],
    scores: Sequence[Float[Tensor, " _"]],
    thresholds: Sequence[float] = THRESHOLDS,
) -> float:
    """AP of one class over many items: precision at 101 places of recall, in the mean over them and over thresholds.

    In every item what is found takes, the most certain first, the free true one that it overlaps most, if by the
    threshold at least. Then precision over recall is read off all items together, made to fall nowhere from right to
    left.

    Args:
        overlaps: intersections over unions of what was found with what is true, for every item.
        scores: of what was found.
        thresholds: of the overlap.

    Returns:
        In [0, 1]; NaN where nothing is true in any item.

    Raises:
        ValueError: if an item's scores and overlaps are of different numbers.

    Example: the surer one is right, the other finds nothing, and one of two is missed.

        >>> average_precision([torch.tensor([[0.8, 0.0], [0.1, 0.2]])], [torch.tensor([0.9, 0.4])], (0.5,))
        0.504...

    Source: Lin et al., "Microsoft COCO" (2014); AP[.50:.05:.95] of all sizes, without crowds, of pycocotools, which
    looks at the 100 surest things of an item alone; here all count.
    """
    for found, score in zip(overlaps, scores, strict=True):
        if len(found) != len(score):
            raise ValueError(
                f"every found thing has a score, got {len(found)} rows of overlaps and {len(score)} scores"
            )
    count = sum(found.shape[1] for found in overlaps)
    if not count:
        return float("nan")
    levels = torch.tensor(thresholds, dtype=torch.float64)
    orders = [score.argsort(descending=True, stable=True) for score in scores]
    hits = torch.cat([_hits(found.double()[order], levels) for found, order in zip(overlaps, orders, strict=True)], 1)
    certain = torch.cat([score[order] for score, order in zip(scores, orders, strict=True)])
    hits = hits[:, certain.argsort(descending=True, stable=True)].double()
    if not hits.shape[1]:
        return 0.0
    true = hits.cumsum(dim=1)
    precision = true / torch.arange(1, hits.shape[1] + 1)
    falling = precision.flip(1).cummax(dim=1).values.flip(1)
    asked = torch.from_numpy(np.linspace(0, 1, RECALLS)).expand(len(levels), -1)  # to the last digit as pycocotools
    place = torch.searchsorted((true / count).contiguous(), asked.contiguous())
    read = torch.cat([falling, falling.new_zeros(len(levels), 1)], dim=1).gather(1, place)
    return float(read.mean())


def _hits(overlaps: Float[Tensor, "found true"], levels: Float[Tensor, " levels"]) -> Bool[Tensor, "levels found"]:
    """Whether each found thing, in this order, takes a true one, at every threshold."""
    found, true = overlaps.shape
    hits = torch.zeros(len(levels), found, dtype=torch.bool)
    free, every = torch.ones(len(levels), true, dtype=torch.bool), torch.arange(len(levels))
    for row in range(found if true else 0):  # each takes what those before have left
        open_to = torch.where(free, overlaps[row], -1.0)
        best, which = open_to.max(dim=1)
        hits[:, row] = best >= levels
        free[every, which] &= ~hits[:, row]
    return hits

"""How well every true object is covered by its best found one. Conventions: see `contingency`."""

import torch
from einops import reduce
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .contingency import Measure, checked_background, contingency


def best_overlaps(
    found: Int[Tensor, "batch elements"],
    true: Int[Tensor, "batch elements"],
    measure: Measure = None,
    background: int | None = None,
) -> tuple[Float[Tensor, "batch objects"], Bool[Tensor, "batch objects"]]:
    """For every true object the greatest intersection over union with a found one, and whether the object exists."""
    table = contingency(found, true, measure)
    union = reduce(table, "b k l -> b k 1", "sum") + reduce(table, "b k l -> b 1 l", "sum") - table
    overlap = torch.where(union > 0, table / torch.where(union > 0, union, 1.0), 0.0)
    overlap[:, 0] = 0.0  # elements in no found object are no object
    exists = table.sum(dim=1) > 0
    if background is not None and background < exists.shape[1]:
        exists[:, checked_background(background)] = False
    return overlap.amax(dim=1), exists


def mean_best_overlap(
    found: Int[Tensor, "batch elements"],
    true: Int[Tensor, "batch elements"],
    measure: Measure = None,
    background: int | None = None,
) -> Float[Tensor, " batch"]:
    """The mean over true objects of the greatest intersection over union with any found object (mBO).

    Example: the second object is found with one element too many.

        >>> mean_best_overlap(torch.tensor([[0, 1, 1, 1]]), torch.tensor([[0, 0, 1, 1]]), background=0).tolist()
        [0.666...]

    Source: Pont-Tuset et al., MCG (2017), as "average best overlap".
    """
    overlap, exists = best_overlaps(found, true, measure, background)
    return _mean(overlap, exists)


def object_recovery(
    found: Int[Tensor, "batch elements"],
    true: Int[Tensor, "batch elements"],
    measure: Measure = None,
    background: int | None = None,
    overlap: float = 0.5,
) -> Float[Tensor, " batch"]:
    """The share of true objects that some found object overlaps by more than `overlap` (above ½ at most one can).

    Example:
        >>> object_recovery(torch.tensor([[0, 1, 1, 1]]), torch.tensor([[0, 0, 1, 1]])).tolist()
        [0.5]

    Source: Arbeláez et al. (2014), object recovery at a given intersection over union.
    """
    best, exists = best_overlaps(found, true, measure, background)
    return _mean((best > overlap).double(), exists)


def _mean(values: Tensor, exists: Tensor) -> Tensor:
    number = exists.sum(dim=1)
    return torch.where(number > 0, (values * exists).sum(dim=1) / number.clamp(min=1), 1.0)

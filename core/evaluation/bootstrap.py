"""How far a score may be from what other files of the same make would give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

LEVEL = 0.95


@final
@dataclass(frozen=True)
class Interval:
    """The bounds of a confidence interval; NaN where there is nothing to resample."""

    low: float
    high: float

    @classmethod
    def of(cls, resampled: Sequence[float], level: float = LEVEL) -> "Interval":
        """That of the percentiles of a score over resamples, those left out in which it is not defined."""
        values = np.array(resampled)
        finite = values[np.isfinite(values)]  # a resample of one class alone has no R², say
        if not len(finite):
            return cls(float("nan"), float("nan"))
        low, high = np.quantile(finite, [(1 - level) / 2, 1 - (1 - level) / 2])
        return cls(float(low), float(high))


def bootstrap(
    groups: Int[Tensor, " rows"],
    score: Callable[[Int[Tensor, " drawn"]], Mapping[str, float]],
    resamples: int = 1000,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Interval]:
    """The percentile interval of every score over resampled groups of rows.

    As many groups as there are are drawn with replacement, each with all of its rows: rows of one file are alike, and
    drawn one by one they would make the interval too narrow.

    Args:
        groups: the group of every row.
        score: the scores of given rows, which may repeat.
        resamples: how often; 0 for none.
        level: the share of resamples between the bounds.
        seed: of the draws.

    Returns:
        An interval for every score; NaN with fewer than two groups, or without resamples.

    Raises:
        ValueError: if the level is not between 0 and 1.

    Example:
        >>> values = torch.tensor([0.0, 1.0, 1.0, 1.0])
        >>> found = bootstrap(torch.arange(4), lambda rows: {"mean": float(values[rows].mean())})
        >>> found["mean"]
        Interval(low=0.25, high=1.0)

    Source: Efron, "Bootstrap methods: another look at the jackknife" (1979), over clusters of rows.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, got {level}")
    names = score(torch.arange(len(groups)))
    _, number, counts = groups.cpu().unique(return_inverse=True, return_counts=True)
    if len(counts) < 2 or resamples < 1:
        return dict.fromkeys(names, Interval(float("nan"), float("nan")))
    order, starts = number.argsort(stable=True), counts.cumsum(0) - counts
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(resamples):
        chosen = torch.from_numpy(rng.integers(len(counts), size=len(counts)))
        sizes = counts[chosen]
        within = torch.arange(int(sizes.sum())) - (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
        for name, value in score(order[starts[chosen].repeat_interleave(sizes) + within]).items():
            drawn[name].append(value)
    return {name: Interval.of(values, level) for name, values in drawn.items()}

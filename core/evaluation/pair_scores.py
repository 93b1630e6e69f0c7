"""Are two things the same? Scores of pairs, and how far they may be from what other files would give."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from sklearn.metrics import roc_auc_score
from torch import Tensor

from .bootstrap import Interval
from .measures import AbstractMeasure
from .protocols.results import Result, Score
from .verification import verification


@final
@dataclass(frozen=True)
class PairMeasure(AbstractMeasure):
    """`auc`, the chance that a pair of the same is scored above a pair of different things, `eer`, the equal error
    rate, `false_reject`, the share of pairs of the same that is rejected by the least threshold at which at most
    `error_rate` of the pairs of different things are accepted, and `accuracy` of the likelier of both.

    Outputs are two columns, of different (0) and the same (1).

    Example:
        >>> measure = PairMeasure()
        >>> measure(torch.tensor([[0.0, 2.0], [0.0, 1.0], [0.0, -1.0]]), torch.tensor([1, 0, 0]))
        {'auc': 1.0, 'eer': 0.0, 'false_reject': 0.0, 'accuracy': 0.666...}
    """

    error_rate: float = 0.01

    def __call__(self, outputs: Float[Tensor, "rows 2"], known: Int[Tensor, " rows"]) -> Mapping[str, float]:
        """The scores; NaN where all pairs are of one sort."""
        scores, same = (outputs[:, 1] - outputs[:, 0]).double(), known == 1
        right = float(((scores > 0) == same).double().mean())
        if bool(same.all()) or not bool(same.any()):
            return {"auc": math.nan, "eer": math.nan, "false_reject": math.nan, "accuracy": right}
        auc, found = float(roc_auc_score(same.numpy(), scores.numpy())), verification(scores, same, self.error_rate)
        return {"auc": auc, "eer": found.equal_error_rate, "false_reject": found.false_reject, "accuracy": right}


def bootstrap_pairs(
    first: Int[Tensor, " rows"],
    second: Int[Tensor, " rows"],
    score: Callable[[Int[Tensor, " drawn"]], Mapping[str, float]],
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """The percentile interval of every score over resampled files.

    As many files as there are are drawn with replacement, and a pair comes as often as its first file times as often as
    its second: pairs with a file in common are alike, and drawn one by one they would make the interval too narrow.

    Args:
        first, second: the file of either side of every pair.
        score: the scores of given rows, which may repeat.
        resamples: how often; 0 for none.
        seed: of the draws.

    Example:
        >>> values, ends = torch.tensor([0.0, 1.0, 1.0]), torch.tensor([0, 1, 2])
        >>> bootstrap_pairs(ends, ends + 3, lambda rows: {"mean": float(values[rows].mean())}, 100)["mean"].high
        1.0

    Source: the bootstrap over vertices of Snijders and Borgatti, "Non-parametric standard errors and tests for network
    statistics" (1999).
    """
    names = score(torch.arange(len(first)))
    files, place = torch.cat([first, second]).unique(return_inverse=True)
    one, other = place.chunk(2)
    if len(files) < 2 or resamples < 1:
        return dict.fromkeys(names, Interval(math.nan, math.nan))
    rng, drawn = np.random.default_rng(seed), {name: list[float]() for name in names}
    for _ in range(resamples):
        counts = torch.from_numpy(np.bincount(rng.integers(len(files), size=len(files)), minlength=len(files)))
        times = torch.where(one == other, counts[one], counts[one] * counts[other])
        rows = torch.arange(len(first)).repeat_interleave(times)
        if len(rows):
            for name, value in score(rows).items():
                drawn[name].append(value)
    return {name: Interval.of(values) for name, values in drawn.items()}


def scored_pairs(
    outputs: Float[Tensor, "rows outputs"],
    known: Shaped[Tensor, "rows ..."],
    first: Int[Tensor, " rows"],
    second: Int[Tensor, " rows"],
    measure: AbstractMeasure,
    resamples: int,
    seed: int,
) -> Result:
    """Scores of pairs with intervals over files."""

    def of_rows(rows: Int[Tensor, " drawn"]) -> Mapping[str, float]:
        return measure(outputs[rows], known[rows])

    values = measure(outputs, known)
    intervals = bootstrap_pairs(first, second, of_rows, resamples, seed)
    scores = {name: Score(value, intervals[name], math.nan) for name, value in values.items()}
    files = len(torch.cat([first, second]).unique())
    return Result("answers", "pairs", "", scores, len(known), files, 1, None)

"""Are two things the same? Errors of a threshold on their similarity, and the threshold of a chosen error rate."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@final
@dataclass(frozen=True)
class ErrorCurve:
    """Errors at every threshold t that changes anything, ascending; a pair is accepted if its score is t or more.

    Attributes:
        thresholds: every score that occurs, and +∞, at which nothing is accepted.
        false_accept: the share of pairs of different things that is accepted (FAR), falling from 1 to 0.
        false_reject: the share of pairs of the same thing that is rejected (FRR), rising from 0 to 1.
    """

    thresholds: Float[Tensor, " points"]
    false_accept: Float[Tensor, " points"]
    false_reject: Float[Tensor, " points"]

    @property
    def equal_error_rate(self) -> float:
        """The error where FAR = FRR, between two thresholds on the straight line that joins their errors."""
        gap = self.false_reject - self.false_accept
        above = int((gap >= 0).nonzero()[0])
        if above == 0 or float(gap[above]) == 0:
            return float(self.false_reject[above])
        share = gap[above - 1] / (gap[above - 1] - gap[above])
        one, other = self.false_reject[above - 1], self.false_reject[above]
        return float(one + share * (other - one))

    def threshold(self, error_rate: float) -> float:
        """The least threshold at which FAR is at most `error_rate`: of all of these, it rejects the fewest.

        Raises:
            ValueError: if the rate is no share.
        """
        if not 0 <= error_rate <= 1:
            raise ValueError(f"an error rate lies in [0, 1], got {error_rate}")
        return float(self.thresholds[int((self.false_accept <= error_rate).nonzero()[0])])

    def at(self, threshold: float) -> tuple[float, float]:
        """FAR and FRR at any threshold."""
        place = int(torch.searchsorted(self.thresholds, torch.tensor(threshold, dtype=torch.float64)))
        place = min(place, len(self.thresholds) - 1)
        return float(self.false_accept[place]), float(self.false_reject[place])


def error_curve(scores: Float[Tensor, " pairs"], same: Bool[Tensor, " pairs"]) -> ErrorCurve:
    """FAR(t) = share of different pairs with s ≥ t, FRR(t) = share of same pairs with s < t; equals count together.

    Args:
        scores: of pairs, the greater the more alike.
        same: whether both are the same thing; there are pairs of either sort.

    Raises:
        ValueError: if one sort is missing, or a score is not finite.

    Example:
        >>> curve = error_curve(torch.tensor([0.9, 0.8, 0.7, 0.1]), torch.tensor([True, False, True, False]))
        >>> curve.equal_error_rate, curve.threshold(0.0) > 0.8, curve.at(0.75)
        (0.5, True, (0.5, 0.5))

    Source: ISO/IEC 19795-1 (false match and false non-match rate); scores that tie are accepted together.
    """
    if not bool(same.any()) or bool(same.all()) or not bool(scores.isfinite().all()):
        raise ValueError(
            "verification needs pairs of the same thing and pairs of different ones, with finite scores; "
            f"got {int(same.sum())} of {len(same)} that are the same"
        )
    exact = scores.double()
    points, place = exact.unique(return_inverse=True)
    matches, others = (place[of].bincount(minlength=len(points)) for of in (same, ~same))
    below = (torch.cat([counts.new_zeros(1), counts.cumsum(0)]).double() for counts in (matches, others))
    rejected, left = next(below) / int(matches.sum()), int(others.sum()) - next(below)
    accepted = left / int(others.sum())  # counts are exact, so that a rate that is met is not missed by rounding
    return ErrorCurve(torch.cat([points, torch.tensor([torch.inf], dtype=torch.float64)]), accepted, rejected)


@final
@dataclass(frozen=True)
class Verification:
    """How well one tells the same from different: the equal error rate, and a threshold with its errors."""

    equal_error_rate: float
    threshold: float
    false_accept: float
    false_reject: float


def verification(
    scores: Float[Tensor, " pairs"], same: Bool[Tensor, " pairs"], error_rate: float = 0.01
) -> Verification:
    """The errors of pairs, and the threshold at which at most `error_rate` of different pairs are accepted.

    The threshold is chosen on the same pairs: take others to say how it does on new ones (`ErrorCurve.at`).

    Raises:
        ValueError: see `error_curve`.
    """
    curve = error_curve(scores, same)
    threshold = curve.threshold(error_rate)
    return Verification(curve.equal_error_rate, threshold, *curve.at(threshold))

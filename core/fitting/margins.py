"""By how much predicted values may be off: margins that hold for a share of what was held out."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

LEAST = 1e-12
"""Of distances: nothing is divided by 0."""


def margins_of(
    errors: Float[Tensor, "rows values"], distance: Float[Tensor, " rows"], share: float
) -> tuple[Float[Tensor, " values"], float]:
    """Split conformal margins that widen with the distance from what was labelled.

    |y − ŷ| ≤ q · √max(1, d / s) for at least `share` of new rows of the same kind, where s is the median distance of
    held-out rows, and q the ⌈(n + 1) · share⌉-th smallest of |y_i − ŷ_i| / √max(1, d_i / s).

    Args:
        errors: |y − ŷ| of held-out rows, NaN where the value is not known.
        distance: of these rows to what was labelled; 0 where nothing is measured, so that all margins are q.
        share: of values that are to lie within.

    Returns:
        q of every value, infinite where rows are too few for the share; and s.

    Source: Lei et al., "Distribution-free predictive inference for regression" (2018), with locally weighted residuals;
    the root of the distance to the nearest labelled vector as the weight is ours, chosen on validation molecules:
    constant margins held for 87 to 89 % of new scaffolds, where 90 % was asked for, and margins in proportion to the
    distance are 1.7 times as wide. Held-out rows are those of all folds, each by the head of the other folds, so that
    the share holds nearly, not exactly.

    Example:
        >>> q, s = margins_of(torch.arange(1.0, 10.0)[:, None], torch.zeros(9), 0.9)
        >>> q.tolist(), s
        ([9.0], 1.0)
    """
    middle = float(distance.double().median()) if len(distance) else 0.0
    usual = middle if middle > LEAST else 1.0
    weighed = errors.double() / widening(distance.double(), usual)[:, None]
    found = [_quantile(column[~column.isnan()], share) for column in weighed.unbind(dim=1)]
    return torch.tensor(found, dtype=torch.float32), usual


def widening(distance: Float[Tensor, " rows"], usual: Float[Tensor, ""] | float) -> Float[Tensor, " rows"]:
    """√max(1, d / s)."""
    return (distance / usual).clamp(min=1).sqrt()


def _quantile(errors: Float[Tensor, " rows"], share: float) -> float:
    place = math.ceil((len(errors) + 1) * share - 1e-9)
    return float(errors.sort().values[place - 1]) if place <= len(errors) else math.inf

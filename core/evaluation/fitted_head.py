"""A linear head fitted to frozen vectors, with the penalty that serves best on rows it was not fitted to."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..methods.targets import AbstractTarget
from .probe import fitted

PENALTIES = (1.0, 10.0, 100.0, 1000.0)
FOLDS = 4


@final
@dataclass(frozen=True)
class FittedHead:
    """outputs = weight · (vector − mean) / scale + bias."""

    weight: Float[Tensor, "outputs dim"]
    bias: Float[Tensor, " outputs"]
    mean: Float[Tensor, " dim"]
    scale: Float[Tensor, " dim"]


def fitted_head(
    vectors: Float[Tensor, "rows dim"], target: AbstractTarget, known: Shaped[Tensor, "rows ..."]
) -> FittedHead:
    """The linear probe of these rows: the target's loss with a penalty on the weights, on standardised vectors.

    The penalty is that of `PENALTIES` with the smallest loss on rows left out, a quarter at a time; with fewer than two
    rows a fold it is the greatest.

    Example:
        >>> from gestalt.core.methods.targets import Values
        >>> x = torch.linspace(-1, 1, 64, dtype=torch.float64)[:, None]
        >>> head = fitted_head(x, Values(("y",)), 3 * x)
        >>> round(float((head.weight / head.scale)[0, 0]), 1)
        3.0
    """
    mean, scale = vectors.mean(dim=0), vectors.std(dim=0, correction=0)
    scale = torch.where(scale > 0, scale, 1.0)
    rows = (vectors - mean) / scale
    fold = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)) % FOLDS
    if len(rows) < 2 * FOLDS:
        penalty = PENALTIES[-1]
    else:
        losses = [
            sum(_left_out(rows, target, known, fold == number, candidate) for number in range(FOLDS))
            for candidate in PENALTIES
        ]
        penalty = PENALTIES[losses.index(min(losses))]
    return FittedHead(*fitted(rows, target, known, penalty), mean, scale)


def _left_out(rows: Tensor, target: AbstractTarget, known: Tensor, out: Tensor, penalty: float) -> float:
    """The loss of the rows left out of the fit."""
    weight, bias = fitted(rows[~out], target, known[~out], penalty)
    return float(target.loss(rows[out] @ weight.T + bias, known[out]).sum())

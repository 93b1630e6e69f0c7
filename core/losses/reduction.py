"""From one loss per row to one number."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor

Reduction = Literal["mean", "sum", "none"]


def reduced(rows: Float[Tensor, "*rows"], reduction: Reduction) -> Float[Tensor, "..."]:
    """The mean or the sum of the rows, or the rows themselves; the mean of no rows is 0, with a zero gradient.

    Example:
        >>> import torch
        >>> [reduced(torch.tensor([1.0, 3.0]), how).tolist() for how in ("mean", "sum", "none")]
        [2.0, 4.0, [1.0, 3.0]]
        >>> reduced(torch.zeros(0), "mean").item()
        0.0
    """
    if reduction == "none":
        return rows
    total = rows.sum()
    return total if reduction == "sum" else total / max(rows.numel(), 1)

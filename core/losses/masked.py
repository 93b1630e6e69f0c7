"""What is lost between predicted and hidden elements, one number for each."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .distances import at_least_float, unit

ElementDistance = Literal["squared", "absolute", "cosine"]


def normalised(values: Float[Tensor, "rows values"]) -> Float[Tensor, "rows values"]:
    """(x − mean x) / √(var x + 1e-6) of every row, with the unbiased variance.

    NaN stands where a row has no number, and stays: rows may have numbers in columns of their own.

    Raises:
        ValueError: if a row holds a single number, which has no variance.

    Source: MAE, `norm_pix_loss` of its code.
    """
    if values.shape[1] < 2:
        raise ValueError(
            "elements of a single number cannot be normalised on their own: all would be 0; --method.normalised no"
        )
    values = at_least_float(values)
    count = (~values.isnan()).sum(dim=1, keepdim=True)
    centred = values - values.nanmean(dim=1, keepdim=True)
    variance = centred.square().nansum(dim=1, keepdim=True) / (count - 1).clamp(min=1)
    return centred * torch.rsqrt(variance + 1e-6)


def element_distance(
    prediction: Float[Tensor, "rows values"],
    target: Float[Tensor, "rows values"],
    distance: ElementDistance = "squared",
    exponent: float = 2.0,
) -> Float[Tensor, " rows"]:
    """How far every predicted element is from what was hidden; no gradient enters the target.

    Where the target is NaN it has no number, and nothing is asked of the prediction.

    | distance | of one row |
    |---|---|
    | `squared` | ‖p − t‖² / values |
    | `absolute` | ‖p − t‖₁ / values |
    | `cosine` | (1 − ⟨p, t⟩ / (‖p‖ ‖t‖))^γ, with γ = `exponent` |

    Source: MAE; SimMIM; GraphMAE, equation 2 (scaled cosine error).

    Example:
        >>> element_distance(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]]), "cosine").item()
        1.0
    """
    p, t = at_least_float(prediction), at_least_float(target.detach())
    there = ~t.isnan()
    p, t, count = torch.where(there, p, 0.0), torch.where(there, t, 0.0), there.sum(dim=1).clamp(min=1)
    if distance == "squared":
        return (p - t).square().sum(dim=1) / count
    if distance == "absolute":
        return (p - t).abs().sum(dim=1) / count
    return (1 - (unit(p) * unit(t)).sum(dim=1)).clamp(min=0).pow(exponent)


def smooth_absolute(
    prediction: Float[Tensor, "rows values"], target: Float[Tensor, "rows values"], beta: float = 1.0
) -> Float[Tensor, " rows"]:
    """mean_d of ½ e² / β where |e| ≤ β, else |e| − ½ β, with e = p − t; no gradient enters the target.

    Source: data2vec, equation 4; I-JEPA's code (β = 1).

    Example:
        >>> smooth_absolute(torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2), beta=2.0).item()
        1.125
    """
    p, t = at_least_float(prediction), at_least_float(target.detach())
    return torch.nn.functional.smooth_l1_loss(p, t, beta=beta, reduction="none").mean(dim=1)


def class_error(scores: Float[Tensor, "rows classes"], classes: Int[Tensor, " rows"]) -> Float[Tensor, " rows"]:
    """−log softmax(s)_c of every hidden element's class c.

    Source: BERT.
    """
    return torch.nn.functional.cross_entropy(at_least_float(scores), classes, reduction="none")

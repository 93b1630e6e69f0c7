"""Regression onto a target that is not trained: the loss of BYOL."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import log_softmax, softmax

from .distances import at_least_float, unit
from .reduction import Reduction, reduced

Distance = Literal["normalised", "plain", "cosine", "cross-entropy"]


def regression(
    prediction: Float[Tensor, "*rows dim"],
    target: Float[Tensor, "*rows dim"],
    distance: Distance = "normalised",
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """How far predictions q are from targets z; no gradient enters the targets.

    | distance | of one row |
    |---|---|
    | `normalised` | ‖q/‖q‖ − z/‖z‖‖² = 2 − 2 ⟨q, z⟩ / (‖q‖ ‖z‖) |
    | `plain` | ‖q − z‖² / dim |
    | `cosine` | 1 − ⟨q, z⟩ / (‖q‖ ‖z‖), the negative cosine but for a constant |
    | `cross-entropy` | −Σ_d softmax(z)_d log softmax(q)_d: vectors read as probabilities |

    Args:
        prediction: q, of the online network.
        target: z, of the teacher.
        distance: which of them.
        reduction: the mean over rows, their sum, or the distance of each.

    Raises:
        ValueError: if the two have not the same shape.

    Source: BYOL, equation 2, and its patent application, [0075], which names the others. The norm is kept from zero by
    1e-12 on its square, as in the authors' code.

    Example:
        >>> import torch
        >>> regression(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 5.0]])).item()
        2.0
    """
    if prediction.shape != target.shape:
        raise ValueError(
            f"there must be one target for every prediction, got {tuple(prediction.shape)} and {tuple(target.shape)}"
        )
    q, z = at_least_float(prediction), at_least_float(target.detach())
    if distance == "plain":
        far = (q - z).square().mean(dim=-1)
    elif distance == "cross-entropy":
        far = -(softmax(z, dim=-1) * log_softmax(q, dim=-1)).sum(dim=-1)
    elif distance == "cosine":
        far = 1 - (unit(q) * unit(z)).sum(dim=-1)
    else:
        far = (unit(q) - unit(z)).square().sum(dim=-1)
    return reduced(far, reduction)

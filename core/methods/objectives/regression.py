"""BYOL's objective: predict the teacher's vector."""

from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import log_softmax, softmax

from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks
from ...losses.distances import at_least_float, unit
from ..info import BatchInfo
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs

Distance = Literal["normalised", "plain", "cosine", "cross-entropy"]


def regression(online: Objects, teacher: Objects, distance: Distance = "normalised") -> Float[Tensor, ""]:
    """How far predictions q are from the teacher's projections z, averaged over the objects present in both views.

    | distance | of one object |
    |---|---|
    | `normalised` | ‖q/‖q‖ − z/‖z‖‖² = 2 − 2 ⟨q, z⟩ / (‖q‖ ‖z‖) |
    | `plain` | ‖q − z‖² / dim |
    | `cosine` | 1 − ⟨q, z⟩ / (‖q‖ ‖z‖), the negative cosine but for a constant |
    | `cross-entropy` | −Σ_d softmax(z)_d log softmax(q)_d: vectors read as probabilities |

    Args:
        online: predictions q of the online network for one view.
        teacher: projections z of the teacher for the other view; no gradient enters them.
        distance: which of them.

    Source: BYOL, equation 2, and its document, [0075], which names the others. The norm is kept from zero by 1e-12 on
    its square, as in the authors' code.

    Example:
        >>> here = torch.ones(1, 1, dtype=torch.bool)
        >>> regression(Objects(torch.tensor([[[1.0, 0]]]), here), Objects(torch.tensor([[[0, 5.0]]]), here)).item()
        2.0
    """
    both = online.present & teacher.present
    q, z = at_least_float(online.vectors), at_least_float(teacher.vectors.detach())
    if distance == "plain":
        far = (q - z).square().mean(dim=-1)
    elif distance == "cross-entropy":
        far = -(softmax(z, dim=-1) * log_softmax(q, dim=-1)).sum(dim=-1)
    elif distance == "cosine":
        far = 1 - (unit(q) * unit(z)).sum(dim=-1)
    else:
        far = (unit(q) - unit(z)).square().sum(dim=-1)
    return mean_over_ranks(torch.where(both, far, 0.0).sum(), both.sum())


@final
class Regression(AbstractObjective):
    """BYOL's loss over all ordered pairs of views; the two directions are summed.

    Args:
        distance: between prediction and target, see `regression`.
        symmetric: both directions of every pair of views; without, the online network predicts later views from
            earlier ones alone, and the loss is that of one direction.
    """

    def __init__(self, distance: Distance = "normalised", symmetric: bool = True) -> None:
        super().__init__()
        self.distance: Distance = distance
        self.symmetric = symmetric

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with no part."""
        pairs = ordered_pairs(len(online), len(teacher), both=self.symmetric)
        value = total_of_pairs([regression(online[i], teacher[j], self.distance) for i, j in pairs])
        value = value if self.symmetric else value / 2
        return Loss(value, {"regression": value.detach()})

"""BYOL's objective: predict the teacher's vector."""

from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ..ranks import mean_over_ranks
from ..segmentation import Objects
from ..view import Batch
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs


def regression(online: Objects, teacher: Objects) -> Float[Tensor, ""]:
    """‖q/‖q‖ − z/‖z‖‖² = 2 − 2 ⟨q, z⟩ / (‖q‖ ‖z‖), averaged over the objects present in both views.

    Args:
        online: predictions q of the online network for one view.
        teacher: projections z of the teacher for the other view; no gradient enters them.

    Source: BYOL, equation 2. The norm is kept from zero by 1e-12 on its square, as in the authors' code.

    Example:
        >>> here = torch.ones(1, 1, dtype=torch.bool)
        >>> regression(Objects(torch.tensor([[[1.0, 0]]]), here), Objects(torch.tensor([[[0, 5.0]]]), here)).item()
        2.0
    """
    both = online.present & teacher.present
    distance = (unit(online.vectors) - unit(teacher.vectors.detach())).square().sum(dim=-1)
    return mean_over_ranks(torch.where(both, distance, 0.0).sum(), both.sum())


def unit(vectors: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
    """Vectors of length 1 in float32; a zero vector stays zero, with a finite gradient."""
    vectors = vectors.float()
    return vectors * torch.rsqrt(vectors.square().sum(dim=-1, keepdim=True).clamp(min=1e-12))


@final
class Regression(AbstractObjective):
    """BYOL's loss over all ordered pairs of views; the two directions are summed."""

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], batch: Batch[Any]) -> Loss:  # noqa: ARG002
        """The loss, with no part."""
        pairs = ordered_pairs(len(online), len(teacher))
        value = total_of_pairs([regression(online[i], teacher[j]) for i, j in pairs])
        return Loss(value, {"regression": value.detach()})

    def observe(self, teacher: tuple[Objects, ...], batch: Batch[Any]) -> None:
        """There is no state."""

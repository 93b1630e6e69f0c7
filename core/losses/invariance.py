"""Predictions that do not depend on the view: the penalty of ReLIC."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .distances import at_least_float
from .reduction import Reduction, reduced


def invariance(
    scores: Float[Tensor, "rows candidates"],
    reference: Float[Tensor, "rows candidates"],
    allowed: Bool[Tensor, "rows candidates"] | None = None,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """KL( p ‖ sg r ) = Σ_n p_n (log p_n − log r_n), with p the soft-max of the scores and r that of the reference.

    For two views and their similarities s, p_01 = softmax s(q_0, z_1) is held against p_10 = softmax s(q_1, z_0): which
    item a prediction is near must not depend on the view. No gradient enters the reference.

    Args:
        scores: of every row with every candidate, temperature and all; see `similarities`.
        reference: scores of the same rows with the same candidates, from another view.
        allowed: which are candidates at all; a row without any contributes 0.
        reduction: the mean over rows, their sum, or the divergence of each.

    Source: Mitrovic et al., "Representation learning via invariant causal mechanisms" (2021), ReLIC; the gradient
    stopped at one side is the authors' code.

    Example:
        >>> from gestalt.core.losses import similarities
        >>> z0, z1 = torch.eye(2), torch.eye(2) + 0.1
        >>> round(invariance(similarities(z0, z1, 0.2), similarities(z1, z0, 0.2)).item(), 4)
        0.0
        >>> round(invariance(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])).item(), 4)
        0.4621
    """
    allowed = torch.ones_like(scores, dtype=torch.bool) if allowed is None else allowed
    log_p, log_r = (
        torch.where(allowed, at_least_float(side), -torch.inf).log_softmax(dim=1)
        for side in (scores, reference.detach())
    )
    # −∞ − (−∞) would poison the gradient of what is no candidate.
    log_p, log_r = torch.where(allowed, log_p, 0.0), torch.where(allowed, log_r, 0.0)
    return reduced((torch.where(allowed, log_p.exp(), 0.0) * (log_p - log_r)).sum(dim=1), reduction)

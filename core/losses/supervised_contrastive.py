"""Supervised contrast: every row of the same class is a positive."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .distances import Temperature, similarities
from .reduction import Reduction, reduced


def supervised_contrastive(
    vectors: Float[Tensor, "rows dim"],
    labels: Int[Tensor, " rows"],
    temperature: Temperature = 0.1,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """−1/|P_i| Σ_{p ∈ P_i} log( e^{s_ip} / Σ_{a ≠ i} e^{s_ia} ), with P_i the other rows of i's class.

    s_ia = ⟨z_i, z_a⟩ / (τ ‖z_i‖ ‖z_a‖). For two views: `supervised_contrastive(torch.cat([z0, z1]), labels.repeat(2))`.

    Args:
        vectors: z, the rows of all views.
        labels: the class of every row; −1 is unknown: such a row is a candidate of others, and has no positive.
        temperature: τ.
        reduction: the mean over rows that have a positive, the sum, or the loss of every row, 0 for the others.

    Raises:
        ValueError: if there are not as many labels as rows, or the temperature is not positive.

    Source: Khosla et al., "Supervised contrastive learning" (2020), equation 2 (the sum outside the logarithm).

    Example:
        >>> z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> round(supervised_contrastive(z, torch.tensor([0, 0, 1]), temperature=1.0).item(), 4)  # −log(e / (e + 1))
        0.3133
    """
    if len(labels) != len(vectors):
        raise ValueError(f"there must be one label for every row, got {len(labels)} for {len(vectors)}")
    number = torch.arange(len(labels), device=labels.device)
    others = number[:, None] != number
    right = others & (labels[:, None] == labels) & (labels >= 0)
    there = right.any(dim=1)
    rows = supervised_contrastive_of_scores(
        similarities(vectors, vectors, temperature)[there], others[there], right[there]
    )
    if reduction == "none":
        return torch.zeros(len(labels), dtype=rows.dtype, device=rows.device).masked_scatter(there, rows)
    return reduced(rows, reduction)


def supervised_contrastive_of_scores(
    scores: Float[Tensor, "rows candidates"],
    allowed: Bool[Tensor, "rows candidates"],
    right: Bool[Tensor, "rows candidates"],
) -> Float[Tensor, " rows"]:
    """The mean of −log p over the right candidates of every row, from scores; every row has at least one.

    Example:
        >>> here = torch.tensor([[True, True]])
        >>> supervised_contrastive_of_scores(torch.tensor([[0.0, 0.0]]), here, here).tolist()
        [0.6931471824645996]
    """
    everything = torch.where(allowed, scores, -torch.inf).logsumexp(dim=1)
    return everything - torch.where(right, scores, 0.0).sum(dim=1) / right.sum(dim=1)

"""Cross-entropy with soft targets: what one view says of clusters predicted from another."""

from jaxtyping import Float
from torch import Tensor

from .distances import Temperature, at_least_float, checked
from .reduction import Reduction, reduced


def soft_cross_entropy(
    scores: Float[Tensor, "rows clusters"],
    targets: Float[Tensor, "rows clusters"],
    temperature: Temperature = 0.1,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """H(p, q) = −Σ_k p_k log q_k with q = softmax(s / τ): the loss of DINO, SwAV and DeepCluster.

    Args:
        scores: s, of every row for every cluster.
        targets: p, shares that sum to 1 in every row; no gradient enters them.
        temperature: τ.
        reduction: the mean over rows, their sum, or the loss of each.

    Raises:
        ValueError: if shapes differ, or the temperature is not positive.

    Source: Caron et al. (2020, SwAV), equation 2; Caron et al. (2021, DINO), equation 2.

    Example:
        >>> import torch
        >>> loss = soft_cross_entropy(torch.zeros(1, 4), torch.tensor([[0.5, 0.5, 0.0, 0.0]]))
        >>> round(loss.item(), 4)  # log 4
        1.3863
    """
    if scores.shape != targets.shape:
        raise ValueError(f"one target for every score, got {tuple(scores.shape)} and {tuple(targets.shape)}")
    logs = (at_least_float(scores) / checked(temperature)).log_softmax(dim=1)
    return reduced(-(at_least_float(targets.detach()) * logs).sum(dim=1), reduction)

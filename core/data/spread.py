"""Are the vectors alive? How evenly they fill their directions, and how many they use."""

import torch
from jaxtyping import Float
from torch import Tensor


def feature_spread(rows: Float[Tensor, "rows dim"]) -> Float[Tensor, ""]:
    """How evenly unit vectors fill their directions: about 1 if evenly, 0 if all are the same.

    `√d · mean_j std_i(u_ij)` with `u_i = z_i / ‖z_i‖` and the population's standard deviation.

    Returns:
        A scalar in [0, 1]; NaN for fewer than two rows, of which nothing can be said, so that no comparison with a
        threshold is true of them.

    Example:
        >>> round(feature_spread(torch.eye(64)).item(), 2), feature_spread(torch.ones(8, 4)).item()
        (0.99, 0.0)

    Source: SimSiam (Chen and He, 2021), section 4.1, which compares the standard deviation with 1/√d; here the ratio.
    """
    if len(rows) < 2:
        return rows.new_full((), torch.nan)
    units = torch.nn.functional.normalize(rows, dim=1)
    spread: Tensor = units.std(dim=0, correction=0).mean() * rows.shape[1] ** 0.5
    return spread


def effective_rank(rows: Float[Tensor, "rows dim"]) -> Float[Tensor, ""]:
    """How many directions the rows use: from 1 to the smaller of rows and dim.

    `exp(−Σ_k p_k log p_k)` with `p_k = σ_k / Σ σ` over the singular values of the matrix, which is not centred.

    Returns:
        A scalar; 0 if all rows are zero; NaN for fewer than two rows or where a value is not finite.

    Example:
        >>> round(effective_rank(torch.eye(5)).item(), 3), round(effective_rank(torch.ones(8, 4)).item(), 3)
        (5.0, 1.0)

    Source: RankMe (Garrido et al., 2023), equation 1. Deviation: `0 log 0 = 0` instead of adding 1e-7 to every p.
    """
    if len(rows) < 2 or not bool(rows.isfinite().all()):
        return rows.new_full((), torch.nan)
    sizes = torch.linalg.svdvals(rows.float())
    total = sizes.sum()
    if not bool(total > 0):
        return rows.new_zeros(())
    shares = sizes / total
    return (-torch.xlogy(shares, shares).sum()).exp().to(rows.dtype)

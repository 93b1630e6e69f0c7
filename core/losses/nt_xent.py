"""NT-Xent: the loss of SimCLR."""

import torch
from jaxtyping import Float
from torch import Tensor

from .distances import Temperature
from .info_nce import info_nce


def nt_xent(
    z0: Float[Tensor, "rows dim"], z1: Float[Tensor, "rows dim"], temperature: Temperature = 0.1
) -> Float[Tensor, ""]:
    """1/2N Σ_i −log( e^{s_{i j(i)}} / Σ_{n ≠ i} e^{s_in} ) over the 2N rows of both views, s = ⟨z, z'⟩ / (τ ‖z‖ ‖z'‖).

    j(i) is the same item's row in the other view; all other rows of both views are negatives.

    Args:
        z0: projections of one view, item by item.
        z1: those of the other.
        temperature: τ; 0.1, or 0.5 on CIFAR.

    Raises:
        ValueError: if the two views have not the same shape, or the temperature is not positive.

    Source: Chen et al., "A simple framework for contrastive learning of visual representations" (2020), equation 1.

    Example:
        >>> z0, z1 = torch.eye(2), torch.eye(2)
        >>> round(nt_xent(z0, z1, temperature=1.0).item(), 4)  # −log(e / (e + 2))
        0.5514
    """
    if z0.shape != z1.shape:
        raise ValueError(
            f"two views of the same items must have the same shape, got {tuple(z0.shape)} and {tuple(z1.shape)}"
        )
    rows = torch.cat([z0, z1])
    number = torch.arange(len(rows), device=rows.device)
    return info_nce(rows, rows, number.roll(len(z0)), number[:, None] != number, temperature)

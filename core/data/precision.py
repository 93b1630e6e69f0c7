"""Full precision within a network that runs in half of it."""

import torch
from torch import Tensor


def full_precision(values: Tensor) -> torch.autocast:
    """Products of matrices within it are taken in their own precision, even where networks run in half of it.

    Groups, pooled vectors and losses are sums over many small numbers; mixed precision is for networks.

    Example:
        >>> ones = torch.ones(2, 2)
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     half = ones @ ones
        ...     with full_precision(ones):
        ...         full = ones @ ones
        >>> half.dtype, full.dtype
        (torch.bfloat16, torch.float32)
    """
    return torch.autocast(values.device.type, enabled=False)

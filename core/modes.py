"""Modes that are entered and always left again: evaluation, full precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; on leaving, every submodule is in its former mode again.

    Batch normalisation that is left in evaluation mode ruins training silently; this is the only way in which the
    package switches modes.

    Example:
        >>> layer = nn.Dropout()
        >>> with evaluating(layer):
        ...     layer.training
        False
        >>> layer.training
        True
    """
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


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

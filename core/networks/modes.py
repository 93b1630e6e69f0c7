"""Modes that are entered and always left again: evaluation, and passes that leave no trace in running statistics."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


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
    learning = [part for part in module.modules() if part.training]
    try:
        if learning:  # a walk through all parts takes as long as a small network
            module.eval()
        with torch.no_grad():
            yield
    finally:
        for part in learning:
            part.training = True


@contextmanager
def keeping_buffers(*modules: nn.Module) -> Iterator[None]:
    """On leaving, all buffers, such as running statistics, hold what they held before.

    Example:
        >>> norm = nn.BatchNorm1d(2)
        >>> with keeping_buffers(norm):
        ...     _ = norm(torch.randn(8, 2) + 5)
        >>> norm.running_mean.tolist()
        [0.0, 0.0]
    """
    buffers = [buffer for module in modules for buffer in module.buffers()]
    before = [buffer.detach().clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)

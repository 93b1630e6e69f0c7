"""Axes of maps brought to a length that is no number while a program is made."""

import torch
from torch import Tensor


def of_length(maps: Tensor, axis: int, length: int) -> Tensor:
    """The first places along an axis, the last one repeated where there are too few.

    Slices and padding do the same faster, but whether something is to be cut or added is no question for a program.

    Args:
        maps: of any shape, with at least one place along the axis.
        axis: which.
        length: how many places.

    Example:
        >>> of_length(torch.tensor([[1, 2, 3]]), 1, 2).tolist(), of_length(torch.tensor([[1, 2, 3]]), 1, 5).tolist()
        ([[1, 2]], [[1, 2, 3, 3, 3]])
    """
    places = torch.arange(length, device=maps.device).clamp(max=maps.shape[axis] - 1)
    return maps.index_select(axis, places)

"""The order of numbers in memory that convolutions over pictures want."""

from typing import TypeVar

import torch
from torch import Tensor, nn

from ..components.exporting import is_exporting

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def in_channels_last(module: ModuleT) -> ModuleT:
    """The module, its 4-axis weights with the channels last in memory; their shapes and values stay.

    Convolutions of maps that lie in that order would otherwise copy their weights forwards and backwards in every step.

    Example:
        >>> in_channels_last(nn.Conv2d(3, 8, 3)).weight.stride()
        (27, 1, 9, 3)
    """
    nn.Module.to(module, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


def as_channels_last(maps: Tensor) -> Tensor:
    """Maps `batch channels rows columns` with the channels last in memory; as they are where a program is made.

    Which order is faster is for whoever runs the program, and torch would ask for lengths to tell orders apart.

    Example:
        >>> as_channels_last(torch.zeros(1, 3, 4, 5)).stride()
        (60, 1, 15, 3)
    """
    return maps if is_exporting() else maps.contiguous(memory_format=torch.channels_last)

"""The order of numbers in memory that convolutions over pictures want."""

from typing import TypeVar

import torch
from torch import nn

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

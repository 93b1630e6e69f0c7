"""The weights of a network as what a digest is taken of."""

from collections.abc import Iterator

import torch
from torch import nn


def weight_bytes(module: nn.Module, prefix: str = "") -> Iterator[bytes | memoryview]:
    """Name, type and shape of every tensor of a module by name, each before its bytes.

    Args:
        module: whose `state_dict` it is.
        prefix: of the names.

    Example:
        >>> [bytes(part)[:17] for part in weight_bytes(nn.Linear(1, 1), "a.")][::2]
        [b'a.bias torch.floa', b'a.weight torch.fl']
    """
    for name, tensor in sorted(module.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        yield f"{prefix}{name} {plain.dtype} {tuple(plain.shape)}".encode()
        yield plain.reshape(-1).view(torch.uint8).numpy().data

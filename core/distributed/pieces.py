"""Tensors that lie in pieces, one in every process (torch's DTensor), beside those that each process has whole."""

from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(tree: Any, wanted: bool = True) -> Any:
    """A tree of dictionaries and lists with the whole of every tensor in pieces, on the CPU; all else stays.

    All processes call it, with the same tree.

    Args:
        tree: such as a state dictionary.
        wanted: whether this process wants it; without, there is None where a whole would be.

    Example:
        >>> whole({"weight": [torch.ones(2)], "step": 3})
        {'weight': [tensor([1., 1.])], 'step': 3}
    """
    if isinstance(tree, DTensor):
        put_together = tree.full_tensor().detach()
        return put_together.cpu() if wanted else None
    if isinstance(tree, dict):
        return {name: whole(part, wanted) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(whole(part, wanted) for part in tree)
    return tree


def cut_like(tensor: Tensor, other: Tensor) -> Tensor:
    """What this process has of a tensor where another of the same shape lies in pieces; the tensor itself otherwise.

    Example:
        >>> cut_like(torch.ones(2), torch.zeros(2))
        tensor([1., 1.])
    """
    if not isinstance(other, DTensor) or tensor.shape != other.shape:
        return tensor
    with torch.no_grad():
        return distribute_tensor(tensor.to(other.device), other.device_mesh, other.placements, src_data_rank=None)

"""What a process has of a tensor."""

from typing import Any

from torch import Tensor


def own_piece(tensor: Tensor) -> Tensor:
    """This process's piece where a tensor lies in pieces (torch's DTensor), the tensor itself otherwise.

    What changes the piece changes the tensor.

    Example:
        >>> import torch
        >>> own_piece(torch.ones(2))
        tensor([1., 1.])
    """
    local: Any = getattr(tensor, "to_local", None)  # the class takes long to import, and few need it
    return tensor if local is None else local()

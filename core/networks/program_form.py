"""Networks as programs of tensors have them: what was learned is settled, and nothing is asked of it any more."""

import copy
from typing import Protocol, TypeVar, runtime_checkable

from torch import nn

Kind = TypeVar("Kind", bound=nn.Module)


@runtime_checkable
class HasProgramForm(Protocol):
    """A module whose `forward` computes what no program can from its state, the same every time once it has learned."""

    def program_form(self) -> nn.Module:
        """A module of plain tensor code that gives, from now on, the same numbers in evaluation mode."""
        ...


def in_program_form(network: Kind) -> Kind:
    """A copy of a network, in which every such module below it is replaced by its program form.

    Example:
        >>> import torch
        >>> from .whitening import RunningWhitening
        >>> network = nn.Sequential(RunningWhitening(2))
        >>> rows = network(torch.randn(9, 2))
        >>> in_program_form(network.eval())[0]
        FixedWhitening()
    """
    own = copy.deepcopy(network)
    for module in list(own.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, HasProgramForm):
                setattr(module, name, child.program_form())
    return own

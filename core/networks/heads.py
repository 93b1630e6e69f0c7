"""Heads: small networks on the vectors of objects."""

from torch import nn

from .norm import MaskedBatchNorm


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Linear, batch normalisation, ReLU, Linear without bias: the head of BYOL, DetCon and Odin.

    Source: BYOL, section 3.3; the normalisation runs over all ranks, as in the authors' code.
    """
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        MaskedBatchNorm(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, outputs, bias=False),
    )

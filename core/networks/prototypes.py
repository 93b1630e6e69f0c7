"""Prototypes: directions that vectors are compared with."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..components.ranges import Width, check_ranges
from ..losses.distances import similarities, unit


@final
class Prototypes(nn.Module):
    """⟨z, w_k⟩ / (‖z‖ ‖w_k‖) with K prototypes w: a linear layer without bias whose weights have length 1.

    Weights are normalised where they are used (weight normalisation with its gains fixed at 1, as in DINO); SwAV's code
    sets them to length 1 before every step, which is the same up to the length of the step.

    Args:
        inputs: length of the vectors z.
        outputs: K.
    """

    def __init__(self, inputs: Width, outputs: Width) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        check_ranges(self)
        self.weight = nn.Parameter(unit(torch.randn(outputs, inputs)))

    def forward(self, rows: Float[Tensor, "rows inputs"], frozen: bool = False) -> Float[Tensor, "rows outputs"]:
        """One score per prototype; where they are frozen, their gradient is zero (and there, for several ranks)."""
        weight = self.weight.detach() + 0.0 * self.weight if frozen else self.weight
        return similarities(rows, weight)

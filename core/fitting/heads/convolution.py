"""A convolution over the elements of an item: what lies around an element has a say."""

from typing import Annotated, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import Between, Width, check_ranges
from ...data.feature_map import FeatureMap
from .base import AbstractFittedHead, Standard

KINDS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
Kernel = Annotated[int, Between(1, 63, only=tuple(range(1, 64, 2)))]
"""Elements along every axis that a convolution sees, an odd number."""


@final
class ElementConvolution(AbstractFittedHead):
    """Standardised, a convolution along every axis of the lattice, GELU, Linear.

    Elements in a row (words) are a lattice of one axis. Padding is seen as zeros, as what lies outside is.

    Args:
        inputs: length of the vectors.
        hidden: channels of the convolution.
        outputs: numbers that the target wants.
        kernel: elements along every axis that it sees.
        axes: of the lattice.
    """

    def __init__(
        self,
        inputs: Width,
        hidden: Width,
        outputs: Width,
        kernel: Kernel = 5,
        axes: Annotated[int, Between(1, 3)] = 1,
    ) -> None:
        super().__init__()
        self.inputs, self.hidden, self.outputs, self.kernel, self.axes = inputs, hidden, outputs, kernel, axes
        check_ranges(self)
        self.standard = Standard(inputs)
        self.around = KINDS[axes - 1](inputs, hidden, kernel, padding=kernel // 2)
        self.last = nn.Linear(hidden, outputs)

    def forward(self, asked: FeatureMap) -> Float[Tensor, "batch asked outputs"]:
        """See the class."""
        shape = asked.valid.shape[1:] if asked.grid is None else asked.grid.shape
        if len(shape) != self.axes:
            raise ValueError(f"this head was fitted to lattices of {self.axes} axes, and these have {len(shape)}")
        seen = torch.where(asked.valid[..., None], self.standard(asked.values.float()), 0.0)
        hidden = self.around(seen.mT.unflatten(2, shape)).flatten(2).mT
        outputs: Tensor = self.last(nn.functional.gelu(hidden))
        return outputs * asked.valid[..., None]

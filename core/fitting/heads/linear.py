"""A straight line on standardised vectors."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import Width, check_ranges
from ...data.feature_map import FeatureMap
from .base import AbstractFittedHead, Standard, of_rows


@final
class FittedLinear(AbstractFittedHead):
    """W (h − μ) / σ + b.

    Args:
        inputs: length of the vectors.
        outputs: numbers that the target wants.
    """

    def __init__(self, inputs: Width, outputs: Width) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        check_ranges(self)
        self.layers = nn.Sequential(Standard(inputs), nn.Linear(inputs, outputs))

    def forward(self, asked: FeatureMap) -> Float[Tensor, "batch asked outputs"]:
        """See the class."""
        return of_rows(self.layers, asked)

"""A network of one hidden layer on standardised vectors."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import PartialShare, Width, check_ranges
from ...data.feature_map import FeatureMap
from .base import AbstractFittedHead, Standard, of_rows


@final
class FittedMLP(AbstractFittedHead):
    """Standardised, Linear, GELU, dropout, Linear.

    Args:
        inputs: length of the vectors.
        hidden: width of the hidden layer.
        outputs: numbers that the target wants.
        dropout: share of the hidden numbers that are left out in training.
    """

    def __init__(self, inputs: Width, hidden: Width, outputs: Width, dropout: PartialShare = 0.1) -> None:
        super().__init__()
        self.inputs, self.hidden, self.outputs, self.dropout = inputs, hidden, outputs, dropout
        check_ranges(self)
        self.layers = nn.Sequential(
            Standard(inputs), nn.Linear(inputs, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, outputs)
        )

    def forward(self, asked: FeatureMap) -> Float[Tensor, "batch asked outputs"]:
        """See the class."""
        return of_rows(self.layers, asked)

"""The head that predicts what is computed from items, or from elements."""

import copy
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Count, Width, check_ranges
from ...losses.distances import at_least_float
from ...networks.norm import MaskedBatchNorm
from .scores import NormalScores


@final
class ComputedHead(nn.Module):
    """Batch normalisation, Linear, ReLU, Linear: from vectors to normal scores.

    The normalisation brings means and sums over elements to one scale.

    Args:
        inputs: length of the vectors.
        hidden: width of the hidden layer.
        outputs: how many numbers are predicted.
        names: of these numbers, where they have any.
        knots: of the scores.
    """

    def __init__(
        self, inputs: Width, hidden: Width, outputs: Width, names: tuple[str, ...] = (), knots: Count = 256
    ) -> None:
        super().__init__()
        self.inputs, self.hidden, self.outputs, self.names, self.knots = inputs, hidden, outputs, tuple(names), knots
        check_ranges(self)
        self.layers = nn.Sequential(
            MaskedBatchNorm(inputs), nn.Linear(inputs, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs)
        )
        self.scores = NormalScores(outputs, knots)

    @classmethod
    def of(cls, inputs: int, hidden: int, scores: NormalScores, names: tuple[str, ...] = ()) -> "ComputedHead":
        """A fresh head for numbers whose scores are fitted."""
        head = cls(inputs, hidden, scores.values, names, scores.knots)
        head.scores = copy.deepcopy(scores)
        return head

    def forward(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """The predicted scores."""
        predicted: Tensor = self.layers(rows)
        return predicted

    def decode(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """The predicted numbers in their own units."""
        return self.scores.inverse(at_least_float(self(rows)))

    def error(
        self, rows: Float[Tensor, "rows inputs"], values: Float[Tensor, "rows outputs"]
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """Σ (z − ẑ)² over the numbers that are known, and how many these are.

        Rows of which nothing is known enter no statistics.
        """
        wanted = self.scores(values)
        there: Bool[Tensor, "rows outputs"] = ~wanted.isnan()
        some = there.any(dim=1)
        wanted, there = wanted[some], there[some]
        found = at_least_float(self(rows[some]))
        error = torch.where(there, wanted, 0.0) - torch.where(there, found, 0.0)
        return error.square().sum(), there.sum()

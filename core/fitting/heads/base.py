"""What every fitted head is, and the scale of the vectors that it sees."""

import abc
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import Width
from ...data.feature_map import FeatureMap


class AbstractFittedHead(nn.Module, abc.ABC):
    """From the vectors of what is asked about to the numbers that a target wants.

    Padding influences nothing. A subclass keeps every argument of its constructor under its own name; what it learned
    are parameters and buffers.
    """

    @abc.abstractmethod
    def forward(self, asked: FeatureMap) -> Float[Tensor, "batch asked outputs"]:
        """The outputs for each; 0 where nothing is asked."""


@final
class Standard(nn.Module):
    """(h − μ) / σ by the mean and the standard deviation of the labelled vectors.

    Args:
        inputs: length of the vectors.

    Example:
        >>> scale = Standard(1)
        >>> scale.see(torch.tensor([[1.0], [3.0]]))
        >>> scale(torch.tensor([[4.0]])).tolist()
        [[2.0]]
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: Width) -> None:
        super().__init__()
        self.inputs = inputs
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))

    @torch.no_grad()
    def see(self, rows: Float[Tensor, "rows inputs"]) -> None:
        """Take the statistics of these rows; what does not vary keeps its unit."""
        wide = rows.double()
        scale = wide.std(dim=0, correction=0)
        self.mean.copy_(wide.mean(dim=0))
        self.scale.copy_(torch.where(scale > 1e-8 * wide.abs().amax(dim=0).clamp(min=1e-12), scale, 1.0))

    def forward(self, rows: Float[Tensor, "*rows inputs"]) -> Float[Tensor, "*rows inputs"]:
        """Standardised vectors."""
        return (rows - self.mean) / self.scale


def of_rows(head: nn.Module, asked: FeatureMap) -> Float[Tensor, "batch asked outputs"]:
    """The outputs of a head that sees one row at a time, for all valid ones; 0 elsewhere."""
    rows = head(asked.values[asked.valid].float())
    outputs = rows.new_zeros(*asked.valid.shape, rows.shape[-1])
    found: Tensor = outputs.masked_scatter(asked.valid[..., None], rows)
    return found

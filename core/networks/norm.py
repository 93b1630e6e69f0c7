"""Batch normalisation over the rows of all ranks."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..distributed.ranks import sum_over_ranks, world_size


@final
class MaskedBatchNorm(nn.Module):
    """Batch normalisation over the rows of all ranks, y = γ (x − μ) / √(σ² + ε) + β.

    It differs from `nn.BatchNorm1d` where objects need it to: any number of rows, none and one included, uneven
    numbers on different ranks, any device. Momentum 0.1 and ε 1e-5 equal the decay 0.9 of BYOL's code.

    Example:
        >>> MaskedBatchNorm(3)(torch.randn(64, 3)).std(0).round().tolist()
        [1.0, 1.0, 1.0]
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, dim: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dim))
        self.shift = nn.Parameter(torch.zeros(dim))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("variance", torch.ones(dim))
        self.momentum = momentum
        self.epsilon = epsilon

    def forward(self, rows: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows dim"]:
        """Normalise with the statistics of the rows while training, with the running ones in evaluation."""
        if not self.training or (world_size() == 1 and len(rows) > 1):
            return nn.functional.batch_norm(
                rows, self.mean, self.variance, self.scale, self.shift, self.training, self.momentum, self.epsilon
            )
        wide = rows.float()  # sums over ranks are taken in full precision
        moments = sum_over_ranks(torch.cat([wide.sum(0), wide.new_tensor([float(len(rows))])]))
        count = moments[-1].detach().clamp(min=1)
        mean = moments[:-1] / count
        variance = sum_over_ranks((wide - mean).square().sum(0)) / count
        if float(moments[-1].detach()) > 1:
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.variance.lerp_(variance * count / (count - 1), self.momentum)
        normal = (wide - mean) * torch.rsqrt(variance + self.epsilon)
        return (normal * self.scale + self.shift).to(rows.dtype)

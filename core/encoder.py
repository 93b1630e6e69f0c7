"""Encoders give one vector per element; a network is an encoder with its projector."""

import abc
from collections.abc import Mapping
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .feature_map import FeatureMap
from .ranks import sum_over_ranks, world_size
from .segmentation import Objects


class AbstractEncoder(nn.Module, abc.ABC):
    """Any network that gives one vector per element.

    A subclass sets `dim`, the length of the vectors, and `settings`, the JSON-able arguments that build the same
    architecture again; saving and loading a run relies on them.
    """

    dim: int
    settings: Mapping[str, Any]

    @abc.abstractmethod
    def forward(self, data: Any) -> FeatureMap:
        """The feature map of a batch, with padding marked and, on a grid, the lattice of the elements."""


@final
class Plain(AbstractEncoder):
    """The numbers of every element as they are, without parameters: `raw` of a modality whose batch is a `FeatureMap`.

    Example:
        >>> Plain(dim=3)(FeatureMap.padded([torch.ones(2, 3)])).values.shape
        torch.Size([1, 2, 3])
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.settings = {"dim": dim}

    def forward(self, data: FeatureMap) -> FeatureMap:
        """The data."""
        return data


@final
class Network(nn.Module):
    """An encoder f and a projector g.

    Elements are encoded, objects are projected: hidden features are pooled first (`Segmentation.pool`), then projected.
    """

    def __init__(self, encoder: AbstractEncoder, projector: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = nn.Identity() if projector is None else projector

    def encode(self, data: Any) -> FeatureMap:
        """h = f(x): one vector per element."""
        features: FeatureMap = self.encoder(data)
        return features

    def project(self, objects: Objects) -> Objects:
        """z = g(h) for the objects that are present."""
        return objects.map(self.projector)

    def project_elements(self, features: FeatureMap) -> FeatureMap:
        """z = g(h) for every valid element on its own."""
        projected = Objects(features.values, features.valid).map(self.projector)
        return features.with_values(projected.vectors)


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Linear, batch normalisation, ReLU, Linear without bias: the head of BYOL, DetCon and Odin.

    Source: BYOL, section 3.3; the normalisation runs over all ranks, as in the authors' code.
    """
    return nn.Sequential(
        nn.Linear(inputs, hidden), RowNorm(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs, bias=False)
    )


@final
class RowNorm(nn.Module):
    """Batch normalisation over the rows of all ranks, y = γ (x − μ) / √(σ² + ε) + β.

    It differs from `nn.BatchNorm1d` where objects need it to: any number of rows, none and one included, uneven
    numbers on different ranks, any device. Momentum 0.1 and ε 1e-5 equal the decay 0.9 of BYOL's code.

    Example:
        >>> RowNorm(3)(torch.randn(64, 3)).std(0).round().tolist()
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

"""Object vectors made comparable before they are clustered."""

from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

Kind = Literal["standardised", "whitened", "directions"]


@final
@dataclass(frozen=True)
class Scaling:
    """x ↦ (x − m) A, then of unit length where `directions`.

    Attributes:
        mean: m, of the sample.
        axes: A.
        directions: whether only the direction counts.
    """

    mean: Float[Tensor, " whole"]
    axes: Float[Tensor, "whole dim"]
    directions: bool = False

    @classmethod
    def fitted(cls, kind: Kind, sample: Float[Tensor, "rows whole"], most: int = 48) -> "Scaling":
        """The scaling of a sample.

        Args:
            kind: `standardised`: every dimension of unit variance; `directions`: the same, then only directions are
                compared; `whitened`: principal components of unit variance, `most` of them.
            sample: object vectors.
            most: principal components.

        Example:
            >>> rows = torch.tensor([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
            >>> Scaling.fitted("standardised", rows).of(rows).round(decimals=2).tolist()
            [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
        """
        mean = sample.double().mean(dim=0)
        centred = sample.double() - mean
        if kind != "whitened" or len(sample) < 2:
            deviation = centred.square().sum(dim=0).div(max(len(sample) - 1, 1)).sqrt()
            scale = torch.where(deviation > 1e-6, 1 / deviation.clamp(min=1e-6), 0.0)
            return cls(mean.float(), torch.diag(scale).float(), kind == "directions")
        variance, vectors = torch.linalg.eigh(centred.T @ centred / (len(sample) - 1))
        kept = int((variance > 1e-6 * variance[-1]).sum())
        axes = (vectors / variance.clamp(min=1e-30).sqrt()).flip(1)[:, : min(kept, most)]
        return cls(mean.float(), axes.float().contiguous())

    def of(self, vectors: Float[Tensor, "rows whole"]) -> Float[Tensor, "rows dim"]:
        """Scaled rows."""
        scaled = (vectors.float() - self.mean) @ self.axes
        return normalize(scaled, dim=1) if self.directions else scaled

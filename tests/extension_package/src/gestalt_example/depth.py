"""A target: how far away every element is."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gestalt import AbstractTarget, Segmentation, Values
from gestalt.core.components.ranges import Positive, check_ranges


@final
@dataclass(frozen=True)
class Depth(AbstractTarget):
    """The depth of elements in metres, NaN where it was not measured; that of an object is their geometric mean.

    A head gives y = log(depth / typical).

    Args:
        typical: a depth at which a head gives 0, so that it learns numbers of order one.

    Source of the scores: Eigen et al., "Depth map prediction from a single image" (2014).

    Example:
        >>> target = Depth(typical=2.0)
        >>> target.decode(torch.zeros(1, 1)).tolist(), target.score(torch.zeros(1, 1), torch.tensor([2.0]))
        ([[2.0]], {'log_rmse': 0.0, 'within_a_quarter': 1.0})
    """

    typical: Positive = 3.0

    outputs = 1
    columns = ("depth",)

    def __post_init__(self) -> None:
        check_ranges(self)

    def of_objects(
        self, known: Float[Tensor, "batch elements"], segmentation: Segmentation
    ) -> Float[Tensor, "batch objects"]:
        """exp of the mean logarithm over the object's elements of known depth; NaN where there is none."""
        return Values(("log depth",)).of_objects(known.log()[..., None], segmentation)[..., 0].exp()

    def loss(self, outputs: Float[Tensor, "rows 1"], known: Float[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        """(y − log(depth / typical))²."""
        return (outputs[:, 0] - (known / self.typical).log()).square()

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "rows 1"], known: Float[Tensor, " rows"]) -> dict[str, float]:
        """Root mean square error of the logarithm, and the share of rows whose ratio to the truth is below 1.25."""
        off = (self.decode(outputs)[:, 0] / known).log().abs()
        near = off < torch.tensor(1.25).log()
        return {"log_rmse": float(off.square().mean().sqrt()), "within_a_quarter": float(near.float().mean())}

    def decode(self, outputs: Float[Tensor, "rows 1"]) -> Float[Tensor, "rows 1"]:
        """The depth in metres."""
        return outputs.exp() * self.typical

"""Whitening by running statistics: no direction of plain features counts for more than another."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..components.ranges import Width, check_ranges
from ..data.precision import full_precision
from ..distributed.ranks import sum_over_ranks

FLOOR = 1e-3
"""Directions that vary by less than this share of the greatest variance are not blown up further."""


@final
class RunningWhitening(nn.Module):
    """y = (C + ε λ I)^(−1/2) (x − μ), with μ and C the moments of all rows seen in training, λ the largest variance.

    Bands of a spectrum rise and fall together, so that their distances are mostly differences of loudness and tilt.
    Whitened, they tell more apart, without labels. Every row counts alike, whichever step brought it. There is nothing
    to be trained; before any training rows stay as they are.

    Args:
        dim: length of the rows.

    Example:
        >>> layer, rows = RunningWhitening(2), torch.randn(500, 1) * torch.ones(2) + 0.1 * torch.randn(500, 2)
        >>> [round(value) for value in layer(rows).T.cov().flatten().tolist()]
        [1, 0, 0, 1]

    Source: for whitening by the symmetric root (ZCA), Bell and Sejnowski (1997).
    """

    count: Tensor
    mean: Tensor
    covariance: Tensor

    def __init__(self, dim: Width) -> None:
        super().__init__()
        self.dim = dim
        check_ranges(self)
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("covariance", torch.eye(dim))

    def forward(self, rows: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows dim"]:
        """Whitened rows; in training they are counted first."""
        if self.training:
            self._count(rows.detach())
        if not bool(self.count > 0):
            return rows
        with full_precision(rows):
            whitened: Tensor = (rows.float() - self.mean) @ self._root()
        return whitened

    @torch.no_grad()
    def program_form(self) -> nn.Module:
        """The same with its root computed once; rows as they are, if none was seen in training."""
        return FixedWhitening(self.mean, self._root()) if bool(self.count > 0) else nn.Identity()

    @torch.no_grad()
    def _root(self) -> Float[Tensor, "dim dim"]:
        """The inverse root, in double precision on the CPU: not every device has either."""
        scales, axes = torch.linalg.eigh(self.covariance.double().cpu())
        root: Tensor = (axes * (scales.clamp(min=0) + FLOOR * scales[-1]).rsqrt()) @ axes.T
        return root.to(self.covariance)

    @torch.no_grad()
    def _count(self, rows: Tensor) -> None:
        """Mean and covariance of the rows of all ranks, put together with those of all before (Chan et al. 1979)."""
        wide = rows.float()
        totals = sum_over_ranks(torch.cat([wide.sum(0), wide.new_tensor([float(len(rows))])]))
        count = totals[-1]
        if not bool(count > 0):
            return
        mean = totals[:-1] / count
        centred = wide - mean
        covariance = sum_over_ranks(centred.T @ centred) / count
        total = self.count + count
        share, off = count / total, mean - self.mean
        between = share * (1 - share) * torch.outer(off, off)
        self.covariance.copy_((1 - share) * self.covariance + share * covariance + between)
        self.mean.add_(share * off)
        self.count.copy_(total)


@final
class FixedWhitening(nn.Module):
    """y = R (x − μ), with a mean and a root that no longer change: plain tensor code, for programs."""

    mean: Tensor
    root: Tensor

    def __init__(self, mean: Float[Tensor, " dim"], root: Float[Tensor, "dim dim"]) -> None:
        super().__init__()
        self.register_buffer("mean", mean.detach().clone())
        self.register_buffer("root", root.detach().clone())

    def forward(self, rows: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows dim"]:
        """Whitened rows."""
        whitened: Tensor = (rows.float() - self.mean) @ self.root
        return whitened

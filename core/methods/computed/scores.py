"""Normal scores: numbers of any unit and distribution, brought to one scale by their ranks."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import Count, Width, check_ranges


@final
class NormalScores(nn.Module):
    """z = Φ⁻¹(rank), where the rank of a number is the share of fitted numbers below it, ties counted by half.

    Between fitted numbers the score is interpolated; beyond the smallest and the greatest it stays as it is. NaN stays
    NaN. A fresh one is to be fitted; what was fitted is kept in buffers, with the weights.

    Args:
        values: how many numbers there are of each row.
        knots: so many of the fitted numbers are kept of each value, at even distances of rank.

    Example:
        >>> scores = NormalScores(1)
        >>> scores.fit(torch.tensor([[0.0], [0.0], [1000.0], [torch.nan]]))
        >>> [round(z, 2) for z in scores(torch.tensor([[0.0], [1000.0], [5000.0]])).flatten().tolist()]
        [-0.43, 0.97, 0.97]
        >>> scores.inverse(scores(torch.tensor([[1000.0]]))).item()
        1000.0

    Source: van der Waerden's normal scores, with ranks as Blom and others put them into (0, 1): (rank − ½) / n.
    """

    numbers: Tensor
    scores: Tensor

    def __init__(self, values: Width, knots: Count = 256) -> None:
        super().__init__()
        self.values, self.knots = values, knots
        check_ranges(self)
        self.register_buffer("numbers", torch.zeros(values, knots))
        self.register_buffer("scores", torch.zeros(values, knots))

    @torch.no_grad()
    def fit(self, rows: Float[Tensor, "rows values"]) -> None:
        """Learn the ranks from rows, NaN where a number is not known; a value of which none is known scores 0."""
        for place, column in enumerate(rows.double().unbind(dim=1)):
            known, counts = column[~column.isnan()].unique(return_counts=True)
            if not len(known):
                self.numbers[place], self.scores[place] = 0.0, 0.0
                continue
            middle = (counts.cumsum(0) - counts / 2) / counts.sum()
            spaced = torch.linspace(0, len(known) - 1, min(self.knots, len(known)), dtype=torch.float64)
            if len(known) > self.knots:
                even = torch.linspace(float(middle[0]), float(middle[-1]), self.knots, dtype=torch.float64)
                spaced = torch.searchsorted(middle, even).clamp(max=len(known) - 1)
            kept = spaced.long()
            last = torch.cat([kept, kept[-1:].expand(self.knots - len(kept))])  # pads: the last one again
            self.numbers[place] = known[last].float()
            self.scores[place] = torch.special.ndtri(middle[last]).float()

    def forward(self, values: Float[Tensor, "rows values"]) -> Float[Tensor, "rows values"]:
        """The scores."""
        return _between(values, self.numbers, self.scores)

    def inverse(self, scores: Float[Tensor, "rows values"]) -> Float[Tensor, "rows values"]:
        """The numbers that have these scores, in their own units."""
        return _between(scores, self.scores, self.numbers)


def _between(
    values: Float[Tensor, "rows values"], known: Float[Tensor, "values knots"], given: Float[Tensor, "values knots"]
) -> Float[Tensor, "rows values"]:
    """Linear interpolation of `given` at the places `known`, which increase along each row."""
    columns = values.to(known).T.contiguous()
    after = torch.searchsorted(known.contiguous(), torch.where(columns.isnan(), 0.0, columns))
    low, high = (after - 1).clamp(min=0), after.clamp(max=known.shape[1] - 1)
    left, right = known.gather(1, low), known.gather(1, high)
    share = ((columns - left) / (right - left).clamp(min=torch.finfo(known.dtype).tiny)).clamp(0, 1)
    found = torch.lerp(given.gather(1, low), given.gather(1, high), share)
    return torch.where(columns.isnan(), torch.nan, found).T

"""Numbers that might have been computed from items, as targets."""

import torch
from torch import Tensor

from gestalt.core.methods.computed.info import ComputedInfo
from gestalt.core.methods.computed.scores import NormalScores


def computed_numbers(items: int, start: int = 0) -> Tensor:
    """Three numbers of every item, in units far apart, some of them not known; the fourth item has none."""
    rows = torch.stack(
        [torch.randn(3, generator=torch.Generator().manual_seed(1000 + start + item)) for item in range(items)]
    )
    rows = rows * torch.tensor([1.0, 1000.0, 0.01])
    known = torch.arange(start, start + items)
    rows[known % 3 == 1, 1] = torch.nan
    rows[known % 4 == 3] = torch.nan
    return rows


def numbers() -> ComputedInfo:
    scores = NormalScores(3, knots=8)
    scores.fit(computed_numbers(40, start=100))
    return ComputedInfo(("one", "two", "three"), scores)

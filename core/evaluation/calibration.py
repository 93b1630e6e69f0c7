"""Does a classifier know how sure it may be?"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

BINS = 10


@final
@dataclass(frozen=True)
class Reliability:
    """Rows by how sure they are, in bins of equal width: how many, how sure in the mean, and how many are right."""

    count: Int[Tensor, " bins"]
    confidence: Float[Tensor, " bins"]
    accuracy: Float[Tensor, " bins"]

    @property
    def error(self) -> float:
        """Expected calibration error Σ_b (n_b / n) |accuracy_b − confidence_b|; NaN without rows."""
        total = self.count.sum()
        if not int(total):
            return float("nan")
        gap = (self.accuracy - self.confidence).abs().nan_to_num()
        return float((self.count * gap).sum() / total)


def reliability(outputs: Float[Tensor, "rows classes"], known: Int[Tensor, " rows"], bins: int = BINS) -> Reliability:
    """Confidence (the greatest of softmax(outputs)) against accuracy, in bins; NaN in a bin without rows.

    Example: of two rows that are sure by 0.9, one is wrong.

        >>> sure = torch.tensor([[0.9, 0.1], [0.9, 0.1]]).log()
        >>> round(reliability(sure, torch.tensor([0, 1])).error, 3)
        0.4

    Source: Guo et al., "On calibration of modern neural networks" (2017), equation 3; bins (0, 0.1], (0.1, 0.2], ….
    """
    sure, named = outputs.double().softmax(dim=1).max(dim=1)
    place = (sure * bins).ceil().long().clamp(1, bins) - 1
    count = place.bincount(minlength=bins)
    confidence = torch.zeros(bins, dtype=torch.float64).index_add(0, place, sure)
    right = torch.zeros(bins, dtype=torch.float64).index_add(0, place, (named == known).double())
    return Reliability(count, confidence / count, right / count)


def calibration_error(outputs: Float[Tensor, "rows classes"], known: Int[Tensor, " rows"]) -> float:
    """The expected calibration error; see `reliability`."""
    return reliability(outputs, known).error

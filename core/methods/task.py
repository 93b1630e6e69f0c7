"""The task network: trained together with the online network on what is labelled, and used for itself afterwards."""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..data.segmentation import Objects
from ..distributed.ranks import mean_over_ranks
from .objectives import Loss
from .objectives.regression import at_least_float

RowLoss = Callable[[Tensor, Tensor], Tensor]
"""(outputs: rows outputs, targets: rows) → one loss per row."""


def class_loss(outputs: Float[Tensor, "rows classes"], targets: Tensor) -> Float[Tensor, " rows"]:
    """Cross-entropy of every row; targets are class numbers."""
    rows: Tensor = cross_entropy(outputs, targets.long(), reduction="none")
    return rows


def squared_error(outputs: Float[Tensor, "rows 1"], targets: Tensor) -> Float[Tensor, " rows"]:
    """(y − ŷ)² of every row; targets are values."""
    return (outputs[:, 0] - targets.to(outputs)).square()


@final
class Task(nn.Module):
    """A head on the projections of labelled objects, with a loss of its own, averaged over them in all views.

    It learns from the batch's classes (−1: unknown), or with `values` from its targets (NaN: unknown). Unlabelled
    objects contribute nothing.

    Args:
        head: from projections z (before the predictor) to outputs, as in the SemPPL document, claim 17.
        loss: one loss per row: `class_loss` (claim 18), `squared_error`, or the user's own.
        weight: of the task's loss beside the objective's.
        values: learn from targets rather than from classes.
        detached: let the task's gradient not reach the encoder: a probe trained online.
    """

    def __init__(
        self,
        head: nn.Module,
        loss: RowLoss = class_loss,
        weight: float = 1.0,
        values: bool = False,
        detached: bool = False,
    ) -> None:
        super().__init__()
        self.head = head
        self.loss = loss
        self.weight = weight
        self.values = values
        self.detached = detached

    def forward(self, projected: tuple[Objects, ...], targets: Tensor) -> Loss:
        """The weighted loss of all views; `task` is it without the weight, `task_accuracy` only for classes."""
        known = ~targets.isnan() if self.values else targets >= 0
        total, count, right = [], [], []
        for view in projected:
            rows = view.present & known
            vectors = view.vectors.detach() if self.detached else view.vectors
            outputs = at_least_float(self.head(vectors[rows]))
            wanted = targets[rows]
            total.append(self.loss(outputs, wanted).sum())
            count.append(rows.sum())
            right.append((outputs.detach().argmax(dim=1) == wanted).sum())
        value = mean_over_ranks(torch.stack(total).sum(), torch.stack(count).sum())
        parts = {"task": value.detach()}
        if not self.values:
            parts["task_accuracy"] = torch.stack(right).sum() / torch.stack(count).sum()
        return Loss(self.weight * value, parts)

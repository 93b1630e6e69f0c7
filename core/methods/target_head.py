"""The task network: trained together with the online network on what is labelled, and used for itself afterwards."""

from typing import final

import torch
from torch import Tensor, nn

from ..components.ranges import Weight, check_ranges
from ..data.segmentation import Objects
from ..distributed.ranks import mean_over_ranks
from ..losses.distances import at_least_float
from .objectives.base import Loss
from .targets.base import AbstractTarget, any_known


@final
class TargetHead(nn.Module):
    """A head on the projections of labelled objects, with the loss of its target, averaged over them in all views.

    Unlabelled objects contribute nothing.

    Args:
        head: from projections z (before the predictor) to the target's outputs, as in the SemPPL patent application,
            claim 17.
        target: what is predicted, with its loss (claim 18: cross-entropy) and its score.
        weight: of the target's loss beside the objective's.
        detached: let the gradient not reach the encoder: a probe trained online.
    """

    def __init__(self, head: nn.Module, target: AbstractTarget, weight: Weight = 1.0, detached: bool = False) -> None:
        super().__init__()
        self.head = head
        self.target = target
        self.weight = weight
        self.detached = detached
        check_ranges(self)

    def forward(self, projected: tuple[Objects, ...], known: Tensor) -> Loss:
        """The weighted loss of all views; `task` is it without the weight, `task_…` are the target's scores."""
        total, outputs, targets = [], [], []
        for view in projected:
            rows = view.present & any_known(known, axes=2)
            vectors = view.vectors.detach() if self.detached else view.vectors
            found = at_least_float(self.head(vectors[rows]))
            total.append(self.target.loss(found, known[rows]).sum())
            outputs.append(found.detach())
            targets.append(known[rows])
        count = torch.tensor(sum(len(rows) for rows in targets), device=known.device)
        value = mean_over_ranks(torch.stack(total).sum(), count)
        scores = self.target.score(torch.cat(outputs), torch.cat(targets))
        parts = {"task": value.detach()} | {f"task_{name}": torch.tensor(score) for name, score in scores.items()}
        return Loss(self.weight * value, parts)

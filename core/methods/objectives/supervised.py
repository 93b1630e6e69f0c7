"""Objectives of the baselines that know the labels."""

from typing import final

import torch

from ...components.ranges import Positive, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import gather, mean_over_ranks
from ...losses.distances import unit
from ...losses.supervised_contrastive import supervised_contrastive_of_scores
from ..info import BatchInfo
from .base import AbstractObjective, Loss


@final
class Nothing(AbstractObjective):
    """0: nothing is compared, and a task network alone teaches. Supervised training."""

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """Zero, with a zero gradient."""
        return Loss(torch.stack([view.vectors.sum() for view in online]).sum() * 0.0, {})


@final
class SupervisedContrastive(AbstractObjective):
    """−1/|P| Σ_{p ∈ P} log( e^{⟨z, z_p⟩/τ} / Σ_{a ≠ itself} e^{⟨z, z_a⟩/τ} ), over all labelled objects in all views.

    P are the other objects of the same class: the object's own other views, and all of other items on all ranks. An
    object without label is no positive but its own views'; it is among the a.

    Args:
        temperature: τ, 0.1 in the paper.

    Source: Khosla et al. (2020), equation 2 (the sum outside the logarithm). With no label at all it is the loss of
    SimCLR. The paper's labels are complete; treating unlabelled objects as SimCLR does is our choice.
    """

    def __init__(self, temperature: Positive = 0.1) -> None:
        super().__init__()
        self.temperature = temperature
        check_ranges(self)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss, with no part. Queries are the online network's, candidates the teacher's.

        Raises:
            ValueError: if there are no two views.
        """
        if len(online) < 2:
            raise ValueError("an objective compares at least two views, got one; make more views")
        queries = unit(torch.stack([view.vectors for view in online])).flatten(1, 2)
        keys = [gather(unit(view.vectors).flatten(0, 1)) for view in teacher]
        start, total = keys[0][1], len(keys[0][0])
        present = torch.stack([gather(view.present.flatten().float())[0] > 0 for view in teacher])
        labels = gather(info.labels.flatten().double())[0].long()
        row = start + torch.arange(queries.shape[1], device=labels.device)
        key = torch.arange(total, device=labels.device)
        alike = (row[:, None] == key) | ((labels[row][:, None] == labels) & (labels >= 0))
        losses, rows = [], []
        for i, view in enumerate(online):
            candidates = [present[j][None] & ~((row[:, None] == key) & (i == j)) for j in range(len(teacher))]
            allowed = torch.cat(candidates, dim=1)
            right = torch.cat([alike] * len(teacher), dim=1) & allowed
            scores = queries[i] @ torch.cat([vectors for vectors, _ in keys]).T / self.temperature
            there = view.present.flatten() & right.any(dim=1)
            losses.append(supervised_contrastive_of_scores(scores[there], allowed[there], right[there]).sum())
            rows.append(there.sum())
        value = 2 * mean_over_ranks(torch.stack(losses).sum(), torch.stack(rows).sum())
        return Loss(value, {"contrastive": value.detach()})

"""MoCo's objective: one direction, against a long queue of the teacher's keys."""

from collections.abc import Sequence
from typing import final

import torch

from ...components.ranges import Positive, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks
from ...losses.info_nce import info_nce
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs
from .queue import Queue


@final
class Moco(AbstractObjective):
    """−log( e^{⟨q, k⟩/τ} / (e^{⟨q, k⟩/τ} + Σ_n e^{⟨q, k_n⟩/τ}) ), with k_n the entries of a queue of earlier keys.

    Keys enter the queue after the loss. Its random start counts as negatives, as in the authors' code.

    Args:
        queue: of keys of one view; its capacity a multiple of the batch.
        temperature: τ; 0.2 in MoCo v2, 0.07 in v1.
        symmetric: both directions of every pair, as MoCo v3 does; v1 and v2 have queries from the first view alone.

    Source: He et al. (2020), algorithm 1; Chen et al., "Improved baselines with momentum contrastive learning" (2020).
    """

    def __init__(self, queue: Queue, temperature: Positive = 0.2, symmetric: bool = False) -> None:
        super().__init__()
        self.queue, self.temperature, self.symmetric = queue, temperature, symmetric
        check_ranges(self)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with no part."""
        losses = []
        for i, j in ordered_pairs(len(online), len(teacher), both=self.symmetric):
            both = online[i].present & teacher[j].present
            query, key = online[i].vectors[both], teacher[j].vectors[both]
            rows = info_nce(query, self.queue.vectors[0], key, None, self.temperature, reduction="none")
            losses.append(mean_over_ranks(rows.sum(), both.sum()))
        value = total_of_pairs(losses) if self.symmetric else total_of_pairs(losses) / 2
        return Loss(value, {"contrastive": value.detach()})

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:  # noqa: ARG002
        """The keys of all ranks enter the queue, those of the last view that the teacher saw."""
        for compared in (output.details for output in outputs):
            keys = compared.teacher[-1:]
            self.queue.keep(self.queue.pushed(keys, compared.info.labels, compared.info.index, keys[0].present))

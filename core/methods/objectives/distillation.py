"""Self-distillation over prototypes: what one view is assigned to is predicted from the others (DINO, SwAV)."""

import copy
from collections.abc import Mapping, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import CountOrNone, Positive, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks, rank, world_size
from ...losses.soft_cross_entropy import soft_cross_entropy
from ...networks.follower import AbstractRule, follow_tensors
from ...networks.prototypes import Prototypes
from ...optimization.progress import Progress
from ...optimization.schedules import linear_rise
from ...optimization.short_runs import in_words
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .assignments import AbstractAssignment, ObservesScores
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs
from .queue import Queue


@final
class Distillation(AbstractObjective):
    """H(P(x), softmax(s(x') / τ)), averaged over the teacher's views x and all other views x'.

    s are the scores of the prototypes, P(x) is the assignment of the teacher's scores at τ_t: centred in DINO, balanced
    by Sinkhorn–Knopp in SwAV. No gradient enters P. The teacher's prototypes follow the student's by a rule, or are
    the same. Each view of the teacher is assigned for itself.

    Args:
        dim: length of the vectors.
        count: K, the number of prototypes.
        assignment: how scores become P.
        rule: how the teacher's prototypes follow: that of the teacher; None: they are the student's.
        temperature: τ.
        teacher_temperature: τ_t after its warm-up.
        first_temperature: τ_t at the start.
        warmup_epochs: of τ_t.
        frozen_epochs: in which the student's prototypes are not trained.
        queue: earlier vectors of the teacher, assigned together with the batch's so that small batches fill all
            prototypes; None for none.
        queue_from: epochs before it is used; and it is used only once it is full.

    Source: Caron et al. (2020, SwAV), equations 1 to 5; Caron et al. (2021, DINO), equations 1 to 4; their code. τ_t
    rises by the step here, by the epoch there. SwAV's queue is one per process there, one over all ranks here.
    """

    def __init__(
        self,
        dim: Width,
        count: Width,
        assignment: AbstractAssignment,
        rule: AbstractRule | None = None,
        temperature: Positive = 0.1,
        teacher_temperature: Positive = 0.07,
        first_temperature: Positive = 0.04,
        warmup_epochs: CountOrNone = 30,
        frozen_epochs: CountOrNone = 1,
        queue: Queue | None = None,
        queue_from: CountOrNone = 15,
    ) -> None:
        super().__init__()
        self.dim, self.count, self.rule, self.temperature = dim, count, rule, temperature
        self.teacher_temperature, self.first_temperature = teacher_temperature, first_temperature
        self.warmup_epochs, self.frozen_epochs, self.queue_from = warmup_epochs, frozen_epochs, queue_from
        check_ranges(self)
        self.prototypes = Prototypes(dim, count)
        self.teacher = None if rule is None else copy.deepcopy(self.prototypes).requires_grad_(False)
        self.assignment, self.queue = assignment, queue

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss; its parts are the loss and the mean entropy of an assignment, in nats."""
        assigned = [self._assigned(view, place, info.progress) for place, view in enumerate(teacher)]
        said = [self.said(view.vectors.flatten(0, 1), info.progress) for view in online]
        losses = []
        for i, j in ordered_pairs(len(online), len(teacher)):
            both = (online[i].present & teacher[j].present).flatten()
            rows = soft_cross_entropy(said[i][both], assigned[j][both], self.temperature, "none")
            losses.append(mean_over_ranks(rows.sum(), both.sum()))
        value = total_of_pairs(losses) / 2
        present = torch.cat([view.present.flatten() for view in teacher])
        entropy = entropy_of(torch.cat(assigned)[present]).mean()
        return Loss(value, {"distillation": value.detach(), "assignment_entropy": entropy})

    def said(self, vectors: Float[Tensor, "rows dim"], progress: Progress) -> Float[Tensor, "rows prototypes"]:
        """The scores of the student's prototypes, which are frozen in the first epochs."""
        frozen = progress.step < self.frozen_epochs * progress.steps_per_epoch
        scores: Tensor = self.prototypes(vectors, frozen)
        return scores

    def teacher_temperature_at(self, progress: Progress) -> float:
        """τ_t."""
        over = self.warmup_epochs * progress.steps_per_epoch
        return linear_rise(self.first_temperature, self.teacher_temperature, progress.step, over)

    @torch.no_grad()
    def _assigned(self, view: Objects, place: int, progress: Progress) -> Float[Tensor, "rows prototypes"]:
        """P of every object of a view, zero where it is absent; the queue's vectors are assigned with them."""
        here = view.present.flatten()
        rows = self.taught(view.vectors.flatten(0, 1)[here])
        remembered = self.taught(self._remembered(place, progress))
        everything: Tensor = self.assignment(torch.cat([rows, remembered]), self.teacher_temperature_at(progress))
        shares = everything[: len(rows)]
        return shares.new_zeros(len(here), self.count).index_put_((here.nonzero()[:, 0],), shares)

    @torch.no_grad()
    def taught(self, vectors: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows prototypes"]:
        """The scores of the teacher's prototypes."""
        scores: Tensor = (self.prototypes if self.teacher is None else self.teacher)(vectors.detach())
        return scores

    def _remembered(self, place: int, progress: Progress) -> Float[Tensor, "rows dim"]:
        """This rank's share of a view's queue; no row before it is full, and before its epoch."""
        if self.queue is None:
            return next(self.prototypes.parameters()).new_zeros(0, self.dim)
        early = progress.step < self.queue_from * progress.steps_per_epoch or int(self.queue.index[-1]) < 0
        kept = self.queue.vectors[place][self.queue.labels[place] >= 0]  # a view may show nothing of an object
        return kept[:0] if early else kept[rank() :: world_size()]

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The assignment learns from what the teacher said, the queue fills, and the teacher's prototypes follow."""
        views = [view for output in outputs for view in output.details.teacher]
        if isinstance(self.assignment, ObservesScores):
            rows = torch.cat([view.vectors[view.present] for view in views])
            self.assignment.observe(self.taught(rows).sum(dim=0), len(rows))
        if self.queue is not None:
            for details in (output.details for output in outputs):
                seen, info = details.teacher, details.info
                everything = torch.ones_like(seen[0].present)
                self.queue.keep(self.queue.pushed(seen, torch.zeros_like(info.labels), info.index, everything))
        if self.teacher is not None and self.rule is not None:
            follow_tensors(_named(self.teacher), _named(self.prototypes), self.rule.decay(progress))

    def too_short(self, run: Progress) -> str | None:
        """Prototypes that are frozen, or a queue that waits, until the run is over."""
        if self.frozen_epochs * run.steps_per_epoch >= run.steps:
            return in_words("prototypes are frozen (--method.frozen-epochs) until it is over, and never trained", run)
        if self.queue is not None and self.queue_from * run.steps_per_epoch >= run.steps:
            return in_words("the queue of earlier vectors is never used (--method.queue-from)", run)
        return None

    @torch.no_grad()
    def health(self, details: Compared) -> dict[str, float]:
        """`prototypes_in_use`: e^H with H the entropy of the mean assignment; 1 where one stands for everything.

        NaN in the first epoch, in which prototypes and centre have not settled.
        """
        if details.info.progress.step < details.info.progress.steps_per_epoch:
            return {"prototypes_in_use": float("nan")}
        rows = torch.cat([self.taught(view.vectors[view.present]) for view in details.teacher])
        shares = self.assignment(rows, self.teacher_temperature_at(details.info.progress))
        return {"prototypes_in_use": float(entropy_of(shares.mean(dim=0)).exp())}

    def heads(self) -> Mapping[str, nn.Module]:
        """The student's prototypes."""
        return {"prototypes": self.prototypes}


def entropy_of(shares: Float[Tensor, "*rows clusters"]) -> Float[Tensor, "*rows"]:
    """H = −Σ_k p_k log p_k in nats.

    Example:
        >>> [round(value, 3) for value in entropy_of(torch.tensor([[1.0, 0.0], [0.5, 0.5]])).tolist()]
        [0.0, 0.693]
    """
    return (-shares.xlogy(shares)).clamp(min=0).sum(dim=-1)


def _named(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.data for name, tensor in module.named_parameters()}

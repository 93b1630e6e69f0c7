"""DINO's objective: cross-entropy between what teacher and student say of different crops, over prototypes."""

import copy
from collections.abc import Mapping, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt import AbstractObjective, AbstractRule, BatchInfo, Loss, Objects, Progress, StepOutput
from gestalt.core.components.ranges import CountOrNone, Positive, Share, Width, check_ranges
from gestalt.core.distributed.ranks import mean_over_ranks, sum_over_ranks
from gestalt.core.losses import similarities, unit
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.objectives.base import ordered_pairs, total_of_pairs
from gestalt.core.networks.follower import follow_tensors


@final
class Prototypes(nn.Module):
    """⟨z, w_k⟩ / (‖z‖ ‖w_k‖) with K prototypes w: the weight-normalised last layer, its gains fixed at 1.

    Args:
        inputs: length of the vectors z.
        outputs: K.
    """

    def __init__(self, inputs: Width, outputs: Width) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.weight = nn.Parameter(unit(torch.randn(outputs, inputs)))
        check_ranges(self)

    def forward(self, rows: Float[Tensor, "rows inputs"], frozen: bool = False) -> Float[Tensor, "rows outputs"]:
        """One score per prototype; where they are frozen, their gradient is zero (and there, for several ranks)."""
        weight = self.weight.detach() + 0.0 * self.weight if frozen else self.weight
        return similarities(rows, weight)


@final
class DinoObjective(AbstractObjective):
    """H(P_t(x), P_s(x')) = −Σ_k P_t(x)_k log P_s(x')_k, averaged over the teacher's x and all other views x'.

    P_s = softmax(g_s / τ_s), P_t = softmax((g_t − c) / τ_t) with g the scores of the prototypes; the teacher's
    prototypes follow the student's, and no gradient enters P_t. The centre follows the teacher's scores,
    c ← m c + (1 − m) mean g_t, over all ranks. τ_t rises linearly over the first epochs; in the first epochs the
    student's prototypes are frozen.

    Args:
        dim: length of the vectors.
        count: K, the number of prototypes.
        rule: how the teacher's prototypes follow: that of the teacher.
        temperature: τ_s.
        teacher_temperature: τ_t after the warm-up.
        first_temperature: τ_t at the start.
        warmup_epochs: of τ_t.
        frozen_epochs: of the student's prototypes.
        centre_momentum: m.

    Source: Caron et al. (2021), algorithm 1 and equations 1 to 4, and its code. τ_t rises by the step here, by the
    epoch there.
    """

    centre: Tensor

    def __init__(
        self,
        dim: Width,
        count: Width,
        rule: AbstractRule,
        temperature: Positive = 0.1,
        teacher_temperature: Positive = 0.07,
        first_temperature: Positive = 0.04,
        warmup_epochs: CountOrNone = 30,
        frozen_epochs: CountOrNone = 1,
        centre_momentum: Share = 0.9,
    ) -> None:
        super().__init__()
        self.dim, self.count, self.rule, self.temperature = dim, count, rule, temperature
        self.teacher_temperature, self.first_temperature = teacher_temperature, first_temperature
        self.warmup_epochs, self.frozen_epochs, self.centre_momentum = warmup_epochs, frozen_epochs, centre_momentum
        check_ranges(self)
        self.prototypes = Prototypes(dim, count)
        self.teacher = copy.deepcopy(self.prototypes).requires_grad_(False)
        self.register_buffer("centre", torch.zeros(count))

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss; its parts are the loss and the entropy of the teacher's distributions, in nats."""
        frozen = info.progress.step < self.frozen_epochs * info.progress.steps_per_epoch
        sharpness = self.teacher_temperature_at(info.progress)
        said = [((self._scores(view) - self.centre) / sharpness).softmax(dim=-1) for view in teacher]
        guessed = [
            (self.prototypes(view.vectors.flatten(0, 1), frozen) / self.temperature).log_softmax(dim=-1)
            for view in online
        ]
        losses = []
        for i, j in ordered_pairs(len(online), len(teacher)):
            both = (online[i].present & teacher[j].present).flatten()
            rows = -(said[j] * guessed[i]).sum(dim=-1)
            losses.append(mean_over_ranks(torch.where(both, rows, 0.0).sum(), both.sum()))
        value = total_of_pairs(losses) / 2
        present = torch.cat([view.present.flatten() for view in teacher])
        entropy = -torch.cat(said).xlogy(torch.cat(said)).sum(dim=-1)[present].mean()
        return Loss(value, {"dino": value.detach(), "teacher_entropy": entropy})

    def teacher_temperature_at(self, progress: Progress) -> float:
        """τ_t, linear from the first one on."""
        warmup = self.warmup_epochs * progress.steps_per_epoch
        done = min(progress.step / warmup, 1.0) if warmup else 1.0
        return self.first_temperature + done * (self.teacher_temperature - self.first_temperature)

    @torch.no_grad()
    def _scores(self, view: Objects) -> Float[Tensor, "rows prototypes"]:
        scores: Tensor = self.teacher(view.vectors.detach().flatten(0, 1))
        return scores

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The centre follows what the teacher said, then its prototypes follow the student's."""
        views = [view for output in outputs for view in output.details.teacher]
        scores = torch.cat([self._scores(view)[view.present.flatten()] for view in views])
        count = sum_over_ranks(torch.tensor(float(len(scores)), device=scores.device))
        total = sum_over_ranks(scores.sum(dim=0))
        if float(count) > 0:
            self.centre.lerp_((total / count).to(self.centre), 1 - self.centre_momentum)
        taught = {name: tensor.data for name, tensor in self.teacher.named_parameters()}
        follow_tensors(
            taught,
            {name: tensor.data for name, tensor in self.prototypes.named_parameters()},
            self.rule.decay(progress),
        )

    def heads(self) -> Mapping[str, nn.Module]:
        """The student's prototypes."""
        return {"prototypes": self.prototypes}

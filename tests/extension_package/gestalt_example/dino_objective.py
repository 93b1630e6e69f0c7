"""DINO's objective: the online network gives an object the prototypes that the teacher gives it."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gestalt import AbstractObjective, AbstractRule, BatchInfo, Loss, Objects, Progress, StepOutput
from gestalt.core.components.ranges import CountOrNone, Positive, Share, Width, check_ranges
from gestalt.core.distributed.ranks import mean_over_ranks, sum_over_ranks
from gestalt.core.losses import unit
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.objectives.base import ordered_pairs, total_of_pairs
from gestalt.core.networks.follower import follow_tensors


@final
@dataclass(frozen=True)
class Warmup:
    """A temperature that changes linearly over the first epochs, and then stays.

    Example:
        >>> Warmup(0.04, 0.08, epochs=2).at(Progress(step=10, steps=100, steps_per_epoch=10))
        0.06
    """

    start: Positive = 0.04
    """At the start of training."""
    end: Positive = 0.07
    """After the warm-up."""
    epochs: CountOrNone = 30
    """Epochs of the warm-up."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def at(self, progress: Progress) -> float:
        """The temperature at a step."""
        done = progress.step / (self.epochs * progress.steps_per_epoch) if self.epochs else 1.0
        return self.start + (self.end - self.start) * min(done, 1.0)


@final
class Prototypes(nn.Module):
    """⟨z/‖z‖, w_k/‖w_k‖⟩: how similar a vector is to each of so many prototypes.

    Args:
        inputs: length of the vectors.
        outputs: number of prototypes.
    """

    def __init__(self, inputs: Width, outputs: Width) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        check_ranges(self)
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / inputs**0.5)

    def forward(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """One similarity per row and prototype."""
        return unit(rows) @ unit(self.weight).T


@final
class Dino(AbstractObjective):
    """−Σ_k softmax((W' z − c) / τ')_k log softmax(W q / τ)_k, averaged over ordered pairs of views.

    W are the prototypes, W' those of the teacher, which follow by its rule. The centre c is a running mean of W' z,
    against collapse onto one prototype; a low τ' acts against collapse onto all of them.

    Args:
        prototypes: W.
        rule: how W' follows W.
        temperature: τ.
        teacher_temperature: τ'.
        momentum: how much of itself the centre keeps at a step.
        freeze: epochs during which W is not trained.

    Source: Caron et al., "Emerging properties in self-supervised vision transformers" (2021), equations 1 to 4.
    """

    centre: Tensor

    def __init__(
        self,
        prototypes: Prototypes,
        rule: AbstractRule,
        temperature: Positive = 0.1,
        teacher_temperature: Warmup | None = None,
        momentum: Share = 0.9,
        freeze: CountOrNone = 1,
    ) -> None:
        super().__init__()
        self.prototypes, self.rule, self.temperature = prototypes, rule, temperature
        self.teacher_temperature = teacher_temperature or Warmup()
        self.momentum, self.freeze = momentum, freeze
        check_ranges(self)
        self.teacher: Prototypes = copy.deepcopy(prototypes).requires_grad_(False)
        self.register_buffer("centre", torch.zeros(prototypes.outputs))

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss, with no part."""
        progress = info.progress
        weight = unit(self.prototypes.weight)
        if progress.step < self.freeze * progress.steps_per_epoch:
            weight = weight.detach() + 0.0 * weight  # a gradient of zero: every rank must have one
        sharp = self.teacher_temperature.at(progress)
        wanted = [((self._scores(view) - self.centre) / sharp).softmax(dim=-1) for view in teacher]
        given = [(unit(view.vectors) @ weight.T / self.temperature).log_softmax(dim=-1) for view in online]
        losses = []
        for i, j in ordered_pairs(len(online), len(teacher)):
            both = online[i].present & teacher[j].present
            rows = torch.where(both, -(wanted[j] * given[i]).sum(dim=-1), 0.0)
            losses.append(mean_over_ranks(rows.sum(), both.sum()))
        value = total_of_pairs(losses) / 2
        return Loss(value, {"dino": value.detach()})

    @torch.no_grad()
    def _scores(self, view: Objects) -> Float[Tensor, "batch objects prototypes"]:
        return unit(view.vectors) @ unit(self.teacher.weight).T

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The centre moves towards the mean of the step's W' z on all ranks, then W' follows W."""
        views = [view for output in outputs for view in output.details.teacher]
        scores = torch.cat([self._scores(view)[view.present] for view in views]).to(self.centre)
        total = sum_over_ranks(torch.cat([scores.sum(dim=0), scores.new_tensor([float(len(scores))])]))
        if float(total[-1]) > 0:
            self.centre.lerp_(total[:-1] / total[-1], 1 - self.momentum)
        follow_tensors({"weight": self.teacher.weight}, {"weight": self.prototypes.weight}, self.rule.decay(progress))

    def heads(self) -> Mapping[str, nn.Module]:
        """The prototypes of the online network."""
        return {"prototypes": self.prototypes}

"""Instance discrimination's objective: every item is its own class, kept in a memory bank."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ...components.ranges import Count, Positive, Share, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import gather, joint_rows, mean_over_ranks
from ...losses.distances import at_least_float, unit
from ...losses.instance_discrimination import instance_discrimination, partition_function
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .base import AbstractObjective, Loss
from .starts import of_the_run


@final
class Npid(AbstractObjective):
    """Which of all items is this? A soft-max over a memory bank M, or its estimate against noise.

    The loss is `gestalt.losses.instance_discrimination`, with noise drawn evenly among all items, and with Z estimated
    from the first batch and kept. After each step m_i ← unit(β m_i + (1 − β) v).

    Every view is compared on its own, and the mean is taken. Only whole items have an entry.

    Args:
        items: N, the size of the data set.
        dim: length of the vectors.
        temperature: τ.
        noise: m; None for the full soft-max.
        momentum: β.

    Source: Wu et al. (2018), equations 2 to 8, and the authors' code: m = 4096, τ = 0.07, β = ½, the bank even in a
    cube. Z is estimated here from the whole bank rather than from the first batch's noise. The proximal term of the
    paper is left out, as in the code.
    """

    bank: Tensor
    constant: Tensor

    def __init__(
        self,
        items: Count,
        dim: Width,
        temperature: Positive = 0.07,
        noise: Count | None = 4096,
        momentum: Share = 0.5,
    ) -> None:
        super().__init__()
        self.items, self.dim = items, dim
        self.temperature, self.noise, self.momentum = temperature, noise, momentum
        check_ranges(self)
        side = (3 / dim) ** 0.5
        start = (2 * torch.rand(items, dim, generator=of_the_run()) - 1) * side
        self.register_buffer("bank", start)
        self.register_buffer("constant", torch.zeros(()))

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with no part.

        Raises:
            ValueError: if items have several objects, or a number beyond the bank.
        """
        if online[0].present.shape[1] != 1:
            raise ValueError(
                f"the memory bank has one entry per item, got {online[0].present.shape[1]} objects per item; "
                "compare whole items"
            )
        if len(info.index) and int(info.index.max()) >= len(self.bank):
            raise ValueError(
                f"the memory bank has {len(self.bank)} entries, got item number {int(info.index.max())}; "
                "build it for the size of the data set"
            )
        losses = [self._loss(view, info) for view in online]
        value = torch.stack(losses).mean()
        return Loss(value, {"instances": value.detach()})

    def _loss(self, view: Objects, info: BatchInfo) -> Float[Tensor, ""]:
        here = view.present[:, 0]
        vectors = view.vectors[:, 0][here]
        noise, constant = None, None
        if self.noise is not None:
            total, start = joint_rows(len(here), here.device)
            drawn = torch.randint(len(self.bank), (total, self.noise), generator=info.generator)
            noise, constant = drawn[start : start + len(here)].to(here.device)[here], self._constant(vectors)
        rows = instance_discrimination(
            vectors, self.bank, info.index[here], noise, constant, self.temperature, reduction="none"
        )
        return mean_over_ranks(rows.sum(), here.sum())

    @torch.no_grad()
    def _constant(self, vectors: Float[Tensor, "rows dim"]) -> Float[Tensor, ""]:
        """Z: kept once it is known, else the mean over this batch of all ranks."""
        if float(self.constant) > 0:
            return self.constant
        everyone, _ = gather(at_least_float(vectors.detach()))
        return partition_function(everyone, self.bank, self.temperature).to(self.constant)

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:  # noqa: ARG002
        """The bank moves towards the vectors of the first view, and Z is kept from the first batch on."""
        for compared in (output.details for output in outputs):
            here = compared.teacher[0].present[:, 0]
            vectors = compared.teacher[0].vectors[:, 0][here]
            if self.noise is not None:
                self.constant.copy_(self._constant(vectors))
            everyone, _ = gather(unit(vectors))
            index, _ = gather(compared.info.index[here].double())
            rows = index.long()
            self.bank[rows] = unit(self.momentum * self.bank[rows] + (1 - self.momentum) * everyone.to(self.bank))

"""SimMatch's objective: what a view is, and what it is like, each corrected by the other."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Count, Positive, Share, Weight, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import gather, mean_over_ranks, sum_over_ranks
from ...losses.distances import at_least_float, similarities, unit
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs


@final
class SimMatch(AbstractObjective):
    """CE(y, q) + λ_u · [max p̂ ≥ κ] CE(p̂, q) + λ_in · CE(π̂, ρ), of labelled items, and of the others.

    Vectors hold an embedding z and behind it the logits of the classes. Of the teacher's view, p are the classes,
    aligned with their mean over the last batches, and π = softmax(⟨z', m⟩/τ) how like it is to each labelled item of a
    memory m. Each corrects the other: p̂ = α p + (1 − α) Σ_{m of the class} π, and π̂ ∝ π · p at the class of m. The
    online view has the classes q and the similarities ρ = softmax(⟨z, m⟩/τ).

    The memory has a place for every item, which holds the teacher's last embedding of it where its class is known.

    Args:
        items: N, the size of the data set.
        dim: length of the embeddings z.
        classes: C.
        temperature: τ.
        threshold: κ.
        keep: α, the share of p that is its own.
        pseudo_labels: λ_u.
        instances: λ_in; 0 in the first epoch, in which the memory fills.
        batches: over so many batches the mean of p is taken.

    Parts: the three terms without their weights, and `confident`, the share of views above the threshold.

    Source: Zheng et al., "SimMatch: semi-supervised learning with similarity matching" (2022), and their code: τ = 0.1,
    κ = 0.7, α = 0.9, λ_u = 10, λ_in = 5, 256 batches.
    """

    bank: Tensor
    bank_labels: Tensor
    means: Tensor

    def __init__(
        self,
        items: Count,
        dim: Width,
        classes: Count,
        temperature: Positive = 0.1,
        threshold: Share = 0.7,
        keep: Share = 0.9,
        pseudo_labels: Weight = 10.0,
        instances: Weight = 5.0,
        batches: Count = 256,
    ) -> None:
        super().__init__()
        self.items, self.dim, self.classes = items, dim, classes
        self.temperature, self.threshold, self.keep = temperature, threshold, keep
        self.pseudo_labels, self.instances, self.batches = pseudo_labels, instances, batches
        check_ranges(self)
        self.register_buffer("bank", torch.zeros(items, dim))
        self.register_buffer("bank_labels", torch.full((items,), -1))
        self.register_buffer("means", torch.zeros(batches, classes))

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss over all ordered pairs of views.

        Raises:
            ValueError: if items have several objects, or a number beyond the memory.
        """
        pairs = list(ordered_pairs(len(online), len(teacher)))
        if not pairs:
            total_of_pairs([])  # says what is missing
        if online[0].present.shape[1] != 1:
            raise ValueError(
                f"the memory has one place per item, got {online[0].present.shape[1]} objects per item; compare whole "
                "items"
            )
        if len(info.index) and int(info.index.max()) >= self.items:
            raise ValueError(
                f"the memory has {self.items} places, got item number {int(info.index.max())}; build it for the size "
                "of the data set"
            )
        labels = info.labels[:, 0]
        known = (self.bank_labels >= 0).nonzero()[:, 0]
        begun = info.progress.step >= info.progress.steps_per_epoch and len(known) > 0
        sums: dict[str, list[Tensor]] = {name: [] for name in ("classes", "pseudo", "instances", "sure")}
        labelled, others = list[Tensor](), list[Tensor]()
        for i, j in pairs:
            here = (online[i].present & teacher[j].present)[:, 0]
            z, logits = self._parts(online[i])
            told, untold = here & (labels >= 0), here & (labels < 0)
            labelled.append(told.sum())
            others.append(untold.sum())
            sums["classes"].append(nn.functional.cross_entropy(logits[told], labels[told], reduction="sum"))
            with torch.no_grad():
                meant, like = self._targets(teacher, j, info, known, untold)
                sure = (meant.max(dim=1).values >= self.threshold).to(logits)
            log_q = logits[untold].log_softmax(dim=1)
            sums["pseudo"].append(-(sure[:, None] * meant * log_q).sum())
            log_rho = similarities(z[untold], self.bank[known], self.temperature).log_softmax(dim=1)
            sums["instances"].append(-(like * log_rho).sum() * float(begun))
            sums["sure"].append(sure.sum())
        classes = mean_over_ranks(torch.stack(sums["classes"]).sum(), torch.stack(labelled).sum())
        count = torch.stack(others).sum()
        pseudo, instances, sure = (
            mean_over_ranks(torch.stack(sums[name]).sum(), count) for name in ("pseudo", "instances", "sure")
        )
        value = classes + self.pseudo_labels * pseudo + self.instances * instances
        parts = {"classes": classes, "pseudo_labels": pseudo, "instances": instances, "confident": sure}
        return Loss(value, {name: part.detach() for name, part in parts.items()})

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:  # noqa: ARG002
        """The memory takes the labelled items of all ranks, and the mean of their classes comes to the last ones."""
        for compared in (output.details for output in outputs):
            info, first = compared.info, compared.teacher[0]
            rows = (first.present & (info.labels >= 0))[:, 0]
            everyone, _ = gather(unit(self._parts(first)[0][rows]))
            told = torch.stack([info.index[rows], info.labels[:, 0][rows]], dim=1).double()
            numbers, _ = gather(told)
            self.bank[numbers[:, 0].long()] = everyone.to(self.bank)
            self.bank_labels[numbers[:, 0].long()] = numbers[:, 1].long()
            current = self._mean(compared.teacher, info)
            self.means.copy_(torch.cat([current[None].to(self.means), self.means[:-1]]))

    def _parts(self, objects: Objects) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch classes"]]:
        """Embeddings, and logits."""
        vectors = at_least_float(objects.vectors[:, 0])
        if vectors.shape[1] != self.dim + self.classes:
            raise ValueError(
                f"SimMatch compares embeddings of {self.dim} with {self.classes} logits behind them, got vectors of "
                f"{vectors.shape[1]}; its projector gives both"
            )
        return vectors[:, : self.dim], vectors[:, self.dim :]

    def _mean(self, teacher: tuple[Objects, ...], info: BatchInfo) -> Float[Tensor, " classes"]:
        """The mean of p over the unlabelled items of all ranks and views."""
        rows = [(view.present & (info.labels < 0))[:, 0] for view in teacher]
        p = torch.cat([self._parts(view)[1][there].softmax(dim=1) for view, there in zip(teacher, rows, strict=True)])
        total = sum_over_ranks(torch.cat([p.sum(dim=0), p.new_tensor([float(len(p))])]))
        return total[:-1] / total[-1].clamp(min=1)

    def _targets(
        self,
        teacher: tuple[Objects, ...],
        view: int,
        info: BatchInfo,
        known: Int[Tensor, " known"],
        rows: Bool[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "rows classes"], Float[Tensor, "rows known"]]:
        """p̂ and π̂ of the unlabelled items in a view of the teacher."""
        z, logits = self._parts(teacher[view])
        usual = (self._mean(teacher, info) + self.means[:-1].sum(dim=0)).clamp(min=1e-12)
        p = logits[rows].softmax(dim=1) / usual
        p = p / p.sum(dim=1, keepdim=True)
        like = similarities(z[rows], self.bank[known], self.temperature).softmax(dim=1)
        labels = self.bank_labels[known]
        if not len(known):
            return p, like
        by_class = torch.zeros_like(p).index_add_(1, labels, like)
        unfolded = like * p[:, labels]
        return self.keep * p + (1 - self.keep) * by_class, unfolded / unfolded.sum(dim=1, keepdim=True).clamp(min=1e-12)

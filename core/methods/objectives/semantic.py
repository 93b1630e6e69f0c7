"""SemPPL's objective: other items of the same class are positives too, the class being guessed where it is unknown."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from ...components.ranges import Count, Positive, Weight, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import joint_rows
from ...losses.nearest_labels import Metric
from ...losses.semantic_positives import drawn
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .base import AbstractObjective, Loss, total_of_pairs
from .comparison import Comparison, choose_negatives, compare, contrast
from .pseudo_labels import pseudo_labels
from .queue import Entries, Queue
from .relic import invariance, pairs_of_views, with_themselves


@final
class Semantic(AbstractObjective):
    """a · (L_AUGM + α L_SEMPOS) + b · (I_AUGM + I_SEMPOS).

    L_AUGM contrasts an object with its own other view, L_SEMPOS with an embedding of the same class from a queue of
    the teacher's embeddings of labelled objects; both have the same negatives. I are the invariance penalties of
    ReLIC v2. Within a step the labelled objects of the batch enter the queue first, then unlabelled ones get their
    pseudo-labels from it, then positives are drawn, then the loss is computed. The queue changes in `after_step`.

    Args:
        queue: of labelled embeddings, with one view for every view that the teacher sees.
        temperature: τ.
        alpha: α, the weight of semantic positives.
        neighbours: k of the pseudo-labels.
        metric: what is near.
        positives: semantic positives drawn for every pair of views.
        negatives: how many other objects are drawn for each; None takes all.
        same_item: whether other objects of the same item are negatives.
        same_view: pair views with themselves too.
        contrast: a.
        invariance: b; 0 is the loss of the patent application, 5 with a = 0.3 that of the paper.

    Parts: `augmentation`, `semantic` and `invariance` without their weights; `pseudo_label_accuracy` over the labelled
    objects, each guessed without its own item; `queue_age` in batches, over labelled entries; `labelled_positives`, the
    share of semantic positives whose class is known and not guessed. NaN where there is nothing to count.

    Source: SemPPL's patent application (WO 2023/222889), equations for L_AUGM, L_SEMPOS and L_SEMPPL, α = 1/5, steps
    312 to 318. The sums over the batch are means here.
    """

    def __init__(
        self,
        queue: Queue,
        temperature: Positive = 0.2,
        alpha: Weight = 0.2,
        neighbours: Count = 1,
        metric: Metric = "cosine",
        positives: Count = 1,
        negatives: Count | None = None,
        same_item: bool = True,
        same_view: bool = False,
        contrast: Weight = 1.0,
        invariance: Weight = 0.0,
    ) -> None:
        super().__init__()
        self.queue = queue
        self.temperature, self.alpha, self.contrast, self.invariance = temperature, alpha, contrast, invariance
        self.neighbours, self.positives, self.negatives = neighbours, positives, negatives
        self.metric: Metric = metric
        self.same_item, self.same_view = same_item, same_view
        check_ranges(self)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss and its parts."""
        pairs = pairs_of_views(len(online), len(teacher), self.same_view)
        entries = self._entries(teacher, info)
        guessed = pseudo_labels(online[: len(teacher)], entries, info.index, self.neighbours, self.metric)
        meant = torch.where(info.labels >= 0, info.labels, guessed)
        negatives = choose_negatives(teacher, self.negatives, self.same_item, info.generator)

        needed = with_themselves(pairs) if self.invariance else pairs
        own = {(i, j): compare(online[i], teacher[j], self.temperature, negatives) for i, j in needed}
        augmentation = total_of_pairs([contrast(own[pair]) for pair in pairs])
        semantic, penalty = torch.zeros_like(augmentation), torch.zeros_like(augmentation)
        if self.invariance:
            penalty = invariance(own, pairs)
        for _ in range(self.positives if self.alpha or self.invariance else 0):
            drawn_for = {
                (i, j): self._with_positives(online[i], teacher[j], j, entries, meant, negatives, info)
                for i, j in needed
            }
            semantic = semantic + total_of_pairs([contrast(drawn_for[pair]) for pair in pairs]) / self.positives
            if self.invariance:
                penalty = penalty + invariance(drawn_for, pairs) / self.positives
        value = self.contrast * (augmentation + self.alpha * semantic) + self.invariance * penalty
        parts = {"augmentation": augmentation, "semantic": semantic, "invariance": penalty}
        parts = {name: part.detach() for name, part in parts.items()} | _counts(online, entries, guessed, info, meant)
        return Loss(value, parts)

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:  # noqa: ARG002
        """The labelled objects of all ranks enter the queue."""
        for compared in (output.details for output in outputs):
            self.queue.keep(self._entries(compared.teacher, compared.info))

    def _entries(self, teacher: tuple[Objects, ...], info: BatchInfo) -> Entries:
        return self.queue.pushed(teacher, info.labels, info.index, info.labels >= 0)

    def _with_positives(
        self,
        online: Objects,
        teacher: Objects,
        view: int,
        entries: Entries,
        meant: Int[Tensor, "batch objects"],
        negatives: Tensor,
        info: BatchInfo,
    ) -> Comparison:
        wanted = meant.flatten()
        total, start = joint_rows(len(wanted), wanted.device)
        luck = torch.rand(total, generator=info.generator)[start : start + len(wanted)].to(wanted.device)
        place = drawn(entries.labels[view], wanted, luck)
        there = (online.present & teacher.present).flatten() & (place >= 0)
        return compare(online, teacher, self.temperature, negatives, entries.vectors[view][place.clamp(min=0)], there)


@torch.no_grad()
def _counts(
    online: tuple[Objects, ...], entries: Entries, guessed: Tensor, info: BatchInfo, meant: Tensor
) -> dict[str, Tensor]:
    """Numbers to watch, of this rank."""
    seen = torch.stack([view.present for view in online]).any(dim=0)
    labelled, used = seen & (info.labels >= 0), seen & (meant >= 0)
    kept = (entries.labels >= 0).any(dim=0)
    return {
        "pseudo_label_accuracy": (guessed == info.labels)[labelled].float().mean(),
        "queue_age": entries.age[kept].float().mean(),
        "labelled_positives": (info.labels >= 0)[used].float().mean(),
    }

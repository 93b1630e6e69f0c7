"""PAWS's objective: two views agree on classes by the labelled items that they are near to."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...components.ranges import Count, Positive, Share, Weight, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import gather, mean_over_ranks, sum_over_ranks
from ...losses.distances import at_least_float
from ...losses.soft_neighbours import sharpened, soft_neighbours
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs
from .queue import Queue

SMALLEST = 1e-4
"""Targets below are 0, as in the authors' code."""


@final
class Paws(AbstractObjective):
    """H(t, p) − w H(p̄): every view's soft class p is that of the other views, and all classes are used.

    p are `gestalt.losses.soft_neighbours` of the online network's predictions among its predictions of labelled
    objects; t are those of the teacher's projections, without gradient, sharpened by T, averaged over the other views
    that the teacher sees. p̄ is the mean of the sharpened p over all objects and views of all ranks.

    The labelled objects of the batch on all ranks are asked, in every view that the teacher sees, with gradient; and
    those of earlier batches, from two queues, without. An object never asks its own item.

    Args:
        classes: C.
        queue: of the teacher's projections of labelled objects; None: the batch alone is asked.
        predicted: of the online network's predictions of them; both queues or neither.
        temperature: τ.
        sharpening: T.
        smoothing: ε.
        entropy: w.

    Parts: `agreement` and `entropy` (of p̄); `pseudo_label_accuracy` of the targets of labelled objects, each guessed
    without its own item; `support`, the entries that are asked. NaN where there is nothing to count.

    Source: Assran et al. (2021) and their code: τ = 0.1, T = 0.25, ε = 0.1, w = 1.
    """

    def __init__(
        self,
        classes: Count,
        queue: Queue | None = None,
        predicted: Queue | None = None,
        temperature: Positive = 0.1,
        sharpening: Positive = 0.25,
        smoothing: Share = 0.1,
        entropy: Weight = 1.0,
    ) -> None:
        super().__init__()
        if (queue is None) != (predicted is None):
            raise ValueError("PAWS keeps projections and predictions of labelled objects: give both queues or neither")
        self.classes = classes
        self.queue, self.predicted = queue, predicted
        self.temperature, self.sharpening, self.smoothing, self.entropy = temperature, sharpening, smoothing, entropy
        check_ranges(self)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss over all views of the online network."""
        seen = len(teacher)
        if not list(ordered_pairs(len(online), seen)):
            total_of_pairs([])  # says what is missing
        with torch.no_grad():
            guesses = self._named(teacher, teacher, self.queue, info)
            targets = [sharpened(guess, self.sharpening) for guess in guesses.classes]
        found = self._named(online, online[:seen], self.predicted, info)

        anchors, wanted = [], []
        for i, p in enumerate(found.classes):
            others = [j for j in range(seen) if j != i]
            there = torch.stack([guesses.there[j] for j in others])
            mean = torch.stack([targets[j] for j in others]).mul(there[..., None]).sum(dim=0)
            mean = mean / there.sum(dim=0).clamp(min=1)[:, None]
            rows = found.there[i] & there.any(dim=0)
            anchors.append(p[rows])
            wanted.append(torch.where(mean < SMALLEST, 0.0, mean)[rows])
        p, t = torch.cat(anchors), torch.cat(wanted)
        count = torch.tensor(len(p), device=p.device)
        agreement = mean_over_ranks(-(t * p.clamp(min=1e-12).log()).sum(), count)
        everyone = sum_over_ranks(count.to(p)).clamp(min=1)
        mean_p = sum_over_ranks(sharpened(p, self.sharpening).sum(dim=0)) / everyone
        spread = -(mean_p * mean_p.clamp(min=1e-12).log()).sum()
        value = agreement - self.entropy * spread
        parts = {"agreement": agreement, "entropy": spread, "support": torch.tensor(float(guesses.support))}
        accuracy = _accuracy(targets[0], guesses.there[0], info.labels.flatten())
        return Loss(value, {name: part.detach() for name, part in parts.items()} | {"pseudo_label_accuracy": accuracy})

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:  # noqa: ARG002
        """The labelled objects of all ranks enter the queues."""
        if self.queue is None or self.predicted is None:
            return
        for compared in (output.details for output in outputs):
            info, seen = compared.info, len(compared.teacher)
            for queue, views in ((self.queue, compared.teacher), (self.predicted, compared.online[:seen])):
                queue.keep(queue.pushed(views, info.labels, info.index, info.labels >= 0))

    def _named(
        self, views: tuple[Objects, ...], support: tuple[Objects, ...], queue: Queue | None, info: BatchInfo
    ) -> "_Named":
        """The soft class of every object in every view, among the labelled objects of `support` and the queue."""
        items = info.index[:, None].expand_as(info.labels)
        known = [view.present & (info.labels >= 0) for view in support]
        vectors, _ = gather(
            torch.cat([at_least_float(view.vectors)[rows] for view, rows in zip(support, known, strict=True)])
        )
        numbers = [torch.stack([items[rows], info.labels[rows]], dim=1).double() for rows in known]
        told = gather(torch.cat(numbers))[0].long()
        owners, labels = told[:, 0], told[:, 1]
        if queue is not None:
            old = queue.labels.flatten() >= 0
            vectors = torch.cat([vectors, queue.vectors.flatten(0, 1)[old].to(vectors)])
            owners = torch.cat([owners, queue.index.repeat(len(queue.labels))[old]])
            labels = torch.cat([labels, queue.labels.flatten()[old]])
        allowed = items.flatten()[:, None] != owners
        classes = [
            soft_neighbours(
                view.vectors.flatten(0, 1), vectors, labels, self.classes, self.temperature, self.smoothing, allowed
            )
            for view in views
        ]
        return _Named(classes, [view.present.flatten() & allowed.any(dim=1) for view in views], len(labels))


@final
class _Named:
    """Soft classes of all views, which of them there are, and how many entries were asked."""

    def __init__(
        self, classes: list[Float[Tensor, "rows classes"]], there: list[Bool[Tensor, " rows"]], support: int
    ) -> None:
        self.classes, self.there, self.support = classes, there, support


def _accuracy(
    targets: Float[Tensor, "rows classes"], there: Bool[Tensor, " rows"], labels: Int[Tensor, " rows"]
) -> Float[Tensor, ""]:
    known = there & (labels >= 0)
    return (targets.argmax(dim=1) == labels)[known].float().mean()

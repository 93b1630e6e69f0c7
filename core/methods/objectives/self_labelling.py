"""SeLa's objective: labels that fill all classes alike, found again for the whole data set as training goes on."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ...components.ranges import Between, Count, Positive, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks, of_first_rank, rank, world_size
from ...losses.distances import at_least_float
from ...losses.sinkhorn import cluster_offsets
from ...networks.heads import LinearHead
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .bank import Bank, labels_in_use
from .base import AbstractObjective, Loss
from .spherical_kmeans import SCORES

ITERATIONS, TOLERANCE = 1000, 0.01


@final
class SelfLabelling(AbstractObjective):
    """−log softmax(W_h z + b_h)_{y_h(i)}, averaged over views and labellings h; y_h(i) is item i's label.

    Labels maximise Σ_i log p(y(i) | i) under the constraint that all K classes have the same number of items: an
    optimal transport, which Sinkhorn–Knopp solves with Q = diag(u) P^λ diag(v), y(i) = argmax_k Q_ik. P are the
    predictions for all items, made of their newest vectors in a bank. Labels start balanced, at random. Only whole
    items have an entry.

    Args:
        items: N, the size of the data set.
        dim: length of the vectors.
        count: K, the number of classes.
        labellings: heads, each with labels of its own.
        sharpness: λ.
        updates: labellings during the training, dense at its start: the u-th at the share (u / updates)² of it, but
            none in the first epoch, in which the bank fills.

    Source: Asano et al., "Self-labelling via simultaneous clustering and representation learning" (2020), equations 4
    to 8, and the authors' code: 10 heads of 3000, λ = 25, 100 updates. The code predicts all items anew for an update;
    here their vectors are those of the epoch that ends. Iterations end once no class's weight moves by 1 %, there once
    the weights of items sum to a change of 0.1.
    """

    labels: Tensor

    def __init__(
        self,
        items: Count,
        dim: Width,
        count: Width,
        labellings: Annotated[int, Between(1, 1000)] = 10,
        sharpness: Positive = 25.0,
        updates: Count = 100,
    ) -> None:
        super().__init__()
        self.items, self.dim, self.count, self.labellings = items, dim, count, labellings
        self.sharpness, self.updates = sharpness, updates
        check_ranges(self)
        self.bank = Bank(items, dim)
        self.classifiers = nn.ModuleList([LinearHead(dim, count) for _ in range(labellings)])
        generator = torch.Generator().manual_seed(0)
        start = [torch.randperm(items, generator=generator) % count for _ in range(labellings)]
        self.register_buffer("labels", torch.stack(start))

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with no part.

        Raises:
            ValueError: if items have several objects, or a number beyond the bank.
        """
        self.bank.check(online[0], info.index)
        losses = []
        for classifier, labels in zip(self.classifiers, self.labels, strict=True):
            for view in online:
                here = view.present[:, 0]
                logits = classifier(at_least_float(view.vectors[:, 0][here]))
                rows = cross_entropy(logits, labels[info.index[here]], reduction="none")
                losses.append(mean_over_ranks(rows.sum(), here.sum()))
        value = torch.stack(losses).mean()
        return Loss(value, {"labels": value.detach()})

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The bank takes in the vectors of the first view; when it is time, all items are labelled anew."""
        for compared in (output.details for output in outputs):
            self.bank.keep(compared.teacher[:1], compared.info.index)
        if progress.step < progress.steps_per_epoch or not self.is_due(progress):
            return
        vectors, seen = self.bank.known(0)
        for number, classifier in enumerate(self.classifiers):
            self.labels[number][seen] = of_first_rank(self._balanced(vectors, classifier))

    def is_due(self, progress: Progress) -> bool:
        """Whether a labelling's time came with this step."""
        return self._due_by(progress.step, progress.steps) > self._due_by(progress.step - 1, progress.steps)

    def _due_by(self, step: int, steps: int) -> int:
        """How many labellings are due by a step."""
        return math.floor(math.sqrt(min(step / max(steps, 1), 1.0)) * self.updates + 1e-9)

    def _balanced(self, vectors: Float[Tensor, "known dim"], classifier: nn.Module) -> Tensor:
        """The labels of all that is in the bank; each rank sums over its share of the rows."""

        def scores(rows: Tensor) -> Iterator[Float[Tensor, "chunk classes"]]:
            for part in rows.split(max(SCORES // self.count, 1)):
                yield self.sharpness * classifier(part).double().log_softmax(dim=1)

        own, like = vectors[rank() :: world_size()], vectors.new_zeros(0, self.count, dtype=torch.double)
        offsets = cluster_offsets(lambda: scores(own), like, ITERATIONS, TOLERANCE)
        return torch.cat([(part + offsets).argmax(dim=1) for part in scores(vectors)])

    def heads(self) -> Mapping[str, nn.Module]:
        """The classifiers."""
        return {f"classifier {number}": one for number, one in enumerate(self.classifiers, 1)}

    def health(self, details: Compared) -> dict[str, float]:
        """`prototypes_in_use`: the effective number of classes that are labels; `label_updates` of the whole run.

        An update counts if a step follows it.
        """
        last, epoch = details.info.progress.steps - 1, details.info.progress.steps_per_epoch
        updates = self._due_by(last, last + 1) - self._due_by(epoch - 1, last + 1)
        return {"prototypes_in_use": labels_in_use(self.labels, self.count), "label_updates": float(max(0, updates))}

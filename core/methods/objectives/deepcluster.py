"""DeepCluster-v2's objective: the clusters of the whole data set, found again every epoch, are classes."""

from collections.abc import Sequence
from typing import Annotated, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from ...components.ranges import Between, Count, Positive, Rounds, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks, of_first_rank
from ...losses.distances import similarities, unit
from ...losses.sinkhorn import sinkhorn
from ...losses.soft_cross_entropy import soft_cross_entropy
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .bank import Bank, labels_in_use
from .base import AbstractObjective, Loss
from .spherical_kmeans import spherical_kmeans


@final
class DeepCluster(AbstractObjective):
    """−log softmax(⟨z, c⟩ / τ)_{y(i)}, averaged over views and labellings; y(i) is item i's cluster, c the centroids.

    A bank remembers the newest vector of every item in each of the teacher's views. When an epoch is over, its vectors
    are clustered by spherical k-means: labelling h those of view h (in turn). Labels, and centroids as frozen
    prototypes, then hold for an epoch. Only whole items have an entry.

    Items without a label, in the first epoch all of them, learn from Sinkhorn's assignment within the batch to
    centroids that are drawn at random, as SwAV does while its prototypes are frozen.

    Args:
        items: N, the size of the data set.
        dim: length of the vectors.
        count: K, the number of clusters.
        labellings: clusterings, each with its own start.
        views: views of the teacher.
        temperature: τ.
        iterations: of k-means.

    Source: Caron et al. (2018), and DeepCluster-v2 in the code of Caron et al. (2020, SwAV): 3 labellings of 3000,
    τ = 0.1, 10 iterations. The code passes over the data once before the first epoch; here it has no labels yet.
    """

    centroids: Tensor
    labels: Tensor

    def __init__(
        self,
        items: Count,
        dim: Width,
        count: Width,
        labellings: Annotated[int, Between(1, 1000)] = 3,
        views: Annotated[int, Between(1, 1000)] = 2,
        temperature: Positive = 0.1,
        iterations: Rounds = 10,
    ) -> None:
        super().__init__()
        self.items, self.dim, self.count, self.labellings, self.views = items, dim, count, labellings, views
        self.temperature, self.iterations = temperature, iterations
        check_ranges(self)
        self.bank = Bank(items, dim, views)
        start = torch.randn(labellings, count, dim, generator=torch.Generator().manual_seed(0))
        self.register_buffer("centroids", unit(start))
        self.register_buffer("labels", torch.full((labellings, items), -1))

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss, with no part.

        Raises:
            ValueError: if items have several objects, or a number beyond the bank.
        """
        self.bank.check(online[0], info.index)
        losses = []
        for labelling, centroids in enumerate(self.centroids):
            targets = self._targets(labelling, teacher[labelling % len(teacher)], info)
            for view in online:
                scores = similarities(view.vectors[:, 0], centroids)
                rows = soft_cross_entropy(scores, targets, self.temperature, "none")
                here = view.present[:, 0] & (targets.sum(dim=1) > 0)
                losses.append(mean_over_ranks(torch.where(here, rows, 0.0).sum(), here.sum()))
        value = torch.stack(losses).mean()
        return Loss(value, {"clusters": value.detach()})

    @torch.no_grad()
    def _targets(self, labelling: int, view: Objects, info: BatchInfo) -> Float[Tensor, "batch clusters"]:
        """The labels of a batch; of items without one, their assignment within it; zeros of those absent as well."""
        labels = self.labels[labelling][info.index]
        fresh = (labels < 0) & view.present[:, 0]
        assigned = sinkhorn(similarities(view.vectors[:, 0].detach(), self.centroids[labelling]), present=fresh)
        return torch.where(labels[:, None] < 0, assigned, one_hot(labels.clamp(min=0), self.count).to(assigned))

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The bank takes in the vectors; at the end of an epoch all items are labelled anew."""
        for compared in (output.details for output in outputs):
            self.bank.keep(tuple(view.map(unit) for view in compared.teacher), compared.info.index)
        if progress.step % progress.steps_per_epoch:
            return
        for labelling in range(self.labellings):
            vectors, seen = self.bank.known(labelling % self.views)
            if not len(vectors):
                continue
            generator = torch.Generator().manual_seed(progress.step * self.labellings + labelling)
            labels, centroids = spherical_kmeans(vectors, self.count, self.iterations, generator)
            self.labels[labelling][seen] = of_first_rank(labels)
            self.centroids[labelling] = of_first_rank(centroids)

    def health(self, details: Compared) -> dict[str, float]:
        """`prototypes_in_use`: the effective number of clusters that are labels, NaN before there are any.

        And `label_updates` of the whole run: after how many epochs items are labelled that further steps learn from.
        """
        progress = details.info.progress
        updates = max(0, progress.steps - 1) // progress.steps_per_epoch
        return {"prototypes_in_use": labels_in_use(self.labels, self.count), "label_updates": float(updates)}

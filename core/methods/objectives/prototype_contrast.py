"""PCL's second term: tell an item's cluster from other clusters, at several granularities."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...components.ranges import Count, Positive, Share, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks, of_first_rank
from ...losses.distances import similarities, unit
from ...losses.info_nce import info_nce_of_scores
from ...optimization.progress import Progress
from ...optimization.short_runs import in_words
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .bank import Bank, labels_in_use
from .base import AbstractObjective, Loss
from .spherical_kmeans import spherical_kmeans
from .starts import of_the_step

LEAST = 0.1
"""Of the mean of φ: no cluster is more concentrated."""


@final
class PrototypeContrast(AbstractObjective):
    """−log( e^{⟨v, c_y⟩/φ_y} / (e^{⟨v, c_y⟩/φ_y} + Σ_n e^{⟨v, c_n⟩/φ_n}) ), averaged over M clusterings of the data.

    v is the online network's vector of the first view, c_y the centroid of its item's cluster, n the other clusters, of
    which so many are drawn. φ is a cluster's concentration, see `concentrations`: where items lie close, similarities
    count more. The teacher's newest vectors are kept in a bank, and clustered by spherical k-means when an epoch is
    over. Items without a cluster are not compared: all, before the first clustering. Only whole items have an entry.

    Args:
        items: N, the size of the data set.
        dim: length of the vectors.
        counts: K of every clustering.
        temperature: the mean of φ.
        negatives: clusters drawn as negatives, for all items of a step; None for all.
        begins: the share of the training before the first clustering.
        iterations: of k-means.

    Source: Li et al., "Prototypical contrastive learning of unsupervised representations" (2021), equations 11 and 12,
    and the authors' code: K of 25000, 50000 and 100000, a mean of 0.2, 16384 negatives, a tenth of the training before.
    There the teacher sees all items anew, untransformed, before every epoch, and k-means is by distance; clusters of
    other items of the batch are negatives there even where they are the item's own, and φ can be 0.
    """

    def __init__(
        self,
        items: Count,
        dim: Width,
        counts: Sequence[int],
        temperature: Positive = 0.2,
        negatives: Count | None = 16384,
        begins: Share = 0.1,
        iterations: Count = 20,
    ) -> None:
        super().__init__()
        self.items, self.dim, self.counts = items, dim, tuple(counts)
        self.temperature, self.negatives = temperature, negatives
        self.begins, self.iterations = begins, iterations
        check_ranges(self)
        self.bank = Bank(items, dim)
        for place, count in enumerate(self.counts):
            self.register_buffer(f"centroids_{place}", torch.zeros(count, dim))
            self.register_buffer(f"concentrations_{place}", torch.full((count,), temperature))
        self.register_buffer("labels", torch.full((len(self.counts), items), -1))

    labels: Tensor

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss, with no part.

        Raises:
            ValueError: if items have several objects, or a number beyond the bank.
        """
        self.bank.check(online[0], info.index)
        losses = []
        for place, count in enumerate(self.counts):
            labels = self.labels[place][info.index]
            here = online[0].present[:, 0] & (labels >= 0)
            drawn = torch.randperm(count, generator=info.generator)[: self.negatives].to(labels.device)
            rows = self._compared(place, online[0].vectors[:, 0][here], labels[here], drawn)
            losses.append(mean_over_ranks(rows.sum(), here.sum()))
        value = torch.stack(losses).mean()
        return Loss(value, {"prototypes": value.detach()})

    def _compared(
        self, place: int, vectors: Float[Tensor, "rows dim"], labels: Int[Tensor, " rows"], drawn: Int[Tensor, " n"]
    ) -> Float[Tensor, " rows"]:
        centroids, phi = self._clusters(place)
        own = (unit(vectors) * centroids[labels]).sum(dim=1) / phi[labels]
        others = similarities(vectors, centroids[drawn]) / phi[drawn]
        return info_nce_of_scores(own, torch.where(drawn == labels[:, None], -torch.inf, others))

    def _clusters(self, place: int) -> tuple[Float[Tensor, "clusters dim"], Float[Tensor, " clusters"]]:
        return self.get_buffer(f"centroids_{place}"), self.get_buffer(f"concentrations_{place}")

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """The bank takes in the teacher's vectors; at the end of an epoch all items are clustered anew."""
        for compared in (output.details for output in outputs):
            self.bank.keep(tuple(view.map(unit) for view in compared.teacher[:1]), compared.info.index)
        vectors, seen = self.bank.known(0)
        if progress.step % progress.steps_per_epoch or progress.fraction < self.begins or not len(vectors):
            return
        generator = of_the_step(outputs)
        for place, count in enumerate(self.counts):
            labels, centroids = map(of_first_rank, spherical_kmeans(vectors, count, self.iterations, generator))
            kept, phi = self._clusters(place)
            kept.copy_(centroids)
            phi.copy_(of_first_rank(concentrations(vectors, labels, centroids, self.temperature)))
            self.labels[place][seen] = labels

    def too_short(self, run: Progress) -> str | None:
        """Without an epoch that ends after the share `begins` and before the last step, there are never clusters."""
        last = (run.steps - 1) // run.steps_per_epoch * run.steps_per_epoch
        if last > 0 and last >= self.begins * run.steps:
            return None
        return in_words("items are never clustered, so only the contrast between items is learned", run)

    def health(self, details: Compared) -> dict[str, float]:  # noqa: ARG002
        """`prototypes_in_use`: the effective number of the coarsest clusters; NaN before there are any."""
        return {"prototypes_in_use": labels_in_use(self.labels[:1], self.counts[0])}


def concentrations(
    vectors: Float[Tensor, "rows dim"],
    labels: Int[Tensor, " rows"],
    centroids: Float[Tensor, "clusters dim"],
    mean: float,
    alpha: float = 10.0,
) -> Float[Tensor, " clusters"]:
    """φ = Σ_z ‖v_z − c‖ / (Z log(Z + α)) over the Z members of a cluster, scaled to a given mean over clusters.

    Clusters of at most one member have the greatest φ; what lies outside the 10th and 90th percentile is moved there.
    No φ is less than a tenth of their mean: that of equal vectors is 0, and similarities are divided by it.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [0.0, 1.0]])
        >>> phi = concentrations(rows, torch.tensor([0, 0, 1, 1]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]), mean=0.2)
        >>> bool(phi[0] > phi[1]), round(float(phi.mean()), 3)
        (True, 0.2)
    """
    far = (vectors - centroids[labels]).norm(dim=1)
    members = labels.bincount(minlength=len(centroids)).to(far)
    total = torch.zeros_like(members).index_add_(0, labels, far)
    phi = total / (members.clamp(min=1) * (members + alpha).log())
    phi = torch.where(members > 1, phi, phi[members > 1].max() if bool((members > 1).any()) else 1.0)
    low, high = phi.quantile(0.1), phi.quantile(0.9)
    phi = phi.clamp(low, high)
    phi = phi.clamp(min=LEAST * phi.mean())
    return mean * phi / phi.mean() if bool(phi.mean() > 0) else torch.full_like(phi, mean)

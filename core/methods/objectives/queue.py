"""First in, first out: the teacher's embeddings of earlier batches."""

from dataclasses import dataclass
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Between, Count, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import gather
from ...losses.distances import at_least_float, unit
from .starts import of_the_run


@final
@dataclass(frozen=True)
class Entries:
    """What a queue holds, newest first, one row of vectors per view of the teacher.

    `labels` are −1 where the view shows no labelled object: such an entry is never chosen by its label. `index` is the
    item's number, −1 for the random vectors at the start; `age` counts the batches since an entry came.
    """

    vectors: Float[Tensor, "views capacity dim"]
    labels: Int[Tensor, "views capacity"]
    index: Int[Tensor, " capacity"]
    age: Int[Tensor, " capacity"]


@final
class Queue(nn.Module):
    """Keeps the newest `capacity` rows, from all ranks and in their order, and travels in checkpoints.

    At the start it is full of random unit vectors without label or item. SemPPL's patent application starts so too, and
    is silent about their labels; −1 makes a mistaken choice impossible, where labels drawn at random, as in one public
    re-implementation, teach noise until the queue has turned over.

    Args:
        capacity: rows to keep, a multiple of the batch (10 or 20 batches there).
        dim: length of the embeddings.
        views: views that the teacher sees; each has its own vectors.
    """

    vectors: Tensor
    labels: Tensor
    index: Tensor
    age: Tensor

    def __init__(self, capacity: Count, dim: Width, views: Annotated[int, Between(1, 1000)] = 1) -> None:
        super().__init__()
        self.capacity, self.dim, self.views = capacity, dim, views
        check_ranges(self)
        start = torch.randn(views, capacity, dim, generator=of_the_run())
        self.register_buffer("vectors", unit(start))
        self.register_buffer("labels", torch.full((views, capacity), -1))
        self.register_buffer("index", torch.full((capacity,), -1))
        self.register_buffer("age", torch.zeros(capacity, dtype=torch.long))

    def pushed(
        self,
        teacher: tuple[Objects, ...],
        labels: Int[Tensor, "batch objects"],
        index: Int[Tensor, " batch"],
        chosen: Bool[Tensor, "batch objects"],
    ) -> Entries:
        """What the queue would hold after the chosen objects of all ranks came; nothing is changed.

        Raises:
            ValueError: if the teacher saw another number of views, or vectors have another length.
        """
        views, capacity, dim = self.vectors.shape
        if len(teacher) != views or teacher[0].vectors.shape[2] != dim:
            raise ValueError(
                f"the queue was built for {views} views of the teacher and vectors of {dim}, got {len(teacher)} and "
                f"{teacher[0].vectors.shape[2]}; build the objective for the views that the learner makes"
            )
        present = torch.stack([view.present & chosen for view in teacher], dim=2)
        some = present.any(dim=2)
        rows = torch.stack([at_least_float(view.vectors) for view in teacher], dim=2)[some]
        # Numbers of items are exact in double up to 2⁵³; float32 would mix up items beyond 2²⁴.
        numbers = torch.stack([index[:, None].expand_as(labels)[some], labels[some]], dim=1).double()
        vectors, _ = gather(rows.detach())
        known, _ = gather(torch.cat([numbers, present[some].double()], dim=1))
        marks = torch.where(known[:, 2:] > 0, known[:, 1:2], -1.0).long().T
        return Entries(
            torch.cat([vectors.transpose(0, 1).to(self.vectors), self.vectors], dim=1)[:, :capacity],
            torch.cat([marks, self.labels], dim=1)[:, :capacity],
            torch.cat([known[:, 0].long(), self.index])[:capacity],
            torch.cat([torch.zeros_like(known[:, 0]).long(), self.age + 1])[:capacity],
        )

    @torch.no_grad()
    def keep(self, entries: Entries) -> None:
        """Take entries as the state."""
        self.vectors.copy_(entries.vectors)
        self.labels.copy_(entries.labels)
        self.index.copy_(entries.index)
        self.age.copy_(entries.age)

"""The newest embedding of every item of the data set, by the item's number."""

from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Between, Count, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import gather
from ...losses.distances import at_least_float


@final
class Bank(nn.Module):
    """One vector per item and view, from all ranks; it travels in checkpoints, so what follows from it resumes.

    An item that no step has shown yet is not `seen`.

    Args:
        items: N, the size of the data set.
        dim: length of the vectors.
        views: views that are kept, the first of the teacher's.
    """

    vectors: Tensor
    seen: Tensor

    def __init__(self, items: Count, dim: Width, views: Annotated[int, Between(1, 1000)] = 1) -> None:
        super().__init__()
        self.items, self.dim, self.views = items, dim, views
        check_ranges(self)
        self.register_buffer("vectors", torch.zeros(views, items, dim))
        self.register_buffer("seen", torch.zeros(views, items, dtype=torch.bool))

    def check(self, view: Objects, index: Int[Tensor, " batch"]) -> None:
        """Refuse what has no place here.

        Raises:
            ValueError: if items have several objects, or a number beyond the bank.
        """
        if view.present.shape[1] != 1:
            raise ValueError(
                f"the memory bank has one entry per item, got {view.present.shape[1]} objects per item; "
                "compare whole items"
            )
        if len(index) and int(index.max()) >= self.items:
            raise ValueError(
                f"the memory bank has {self.items} entries, got item number {int(index.max())}; "
                "build it for the size of the data set"
            )

    @torch.no_grad()
    def keep(self, teacher: tuple[Objects, ...], index: Int[Tensor, " batch"]) -> None:
        """Take in the vectors of a step; of an item that is in it twice, the last."""
        for place, view in enumerate(teacher[: self.views]):
            here = view.present[:, 0]
            rows, _ = gather(at_least_float(view.vectors[:, 0][here]))
            numbers, _ = gather(index[here].double())  # exact, while float32 would mix up items beyond 2²⁴
            items, which = numbers.long().unique(return_inverse=True)
            last = torch.zeros_like(items).scatter_reduce(0, which, torch.arange(len(which)).to(which), "amax")
            self.vectors[place, items] = rows[last].to(self.vectors)
            self.seen[place, items] = True

    def known(self, view: int) -> tuple[Float[Tensor, "known dim"], Bool[Tensor, " items"]]:
        """The vectors of the items that were seen in a view, and which these are."""
        seen = self.seen[view]
        return self.vectors[view][seen], seen


def labels_in_use(labels: Int[Tensor, "labellings items"], count: int) -> float:
    """e^H with H the entropy of how often a cluster is a label: their effective number, NaN without labels.

    Example:
        >>> round(labels_in_use(torch.tensor([[0, 1, 2, 2, -1]]), count=5), 2)
        2.83
    """
    held = torch.stack([row[row >= 0].bincount(minlength=count).double() for row in labels])
    shares = held / held.sum(dim=1, keepdim=True)
    return float((-shares.xlogy(shares).sum(dim=1)).exp().mean())

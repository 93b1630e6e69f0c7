"""The objects of a view on all ranks, to compare with."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...data.segmentation import Objects
from ...distributed.ranks import gather
from ...losses.distances import Similarity, compared_by


@final
@dataclass(frozen=True)
class Keys:
    """The present objects of a view on all ranks, and the numbers of their items over all ranks.

    `own` is the place of each of this rank's objects among them, `first_item` the number of this rank's first item.
    """

    vectors: Float[Tensor, "keys dim"]
    item: Int[Tensor, " keys"]
    own: Int[Tensor, "batch objects"]
    first_item: int


def keys_of(view: Objects, similarity: Similarity, other_ranks: bool = True) -> Keys:
    """Those of a view: of all ranks, or of this one alone."""
    vectors, item = view.vectors[view.present], view.present.nonzero()[:, 0]
    vectors = compared_by(vectors, similarity)
    first, first_item = 0, 0
    if other_ranks:
        vectors, first = gather(vectors)
        _, first_item = gather(torch.zeros(len(view.present), device=item.device))
        item = gather((item + first_item).double())[0].long()
    own = view.present.flatten().cumsum(dim=0).view_as(view.present) - 1 + first
    return Keys(vectors, item, torch.where(view.present, own, -1), first_item)

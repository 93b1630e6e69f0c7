"""Labels for what has none: by the nearest labelled embeddings."""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...data.segmentation import Objects
from ...losses.distances import unit
from .queue import Entries

Metric = Literal["cosine", "euclidean"]


@torch.no_grad()
def pseudo_labels(
    online: tuple[Objects, ...],
    entries: Entries,
    index: Int[Tensor, " batch"],
    neighbours: int = 1,
    metric: Metric = "cosine",
) -> Int[Tensor, "batch objects"]:
    """The class for which most of the nearest labelled entries vote; −1 where an object has no neighbour.

    Every view of an object asks the `neighbours` nearest entries of every view of the queue, one k-NN for each; all
    votes count together, and a tie goes to the class that is nearer in sum. Entries of the object's own item are not
    asked, so that the labels of labelled objects can be guessed too, honestly.

    Args:
        online: predictions of the online network, one entry per view.
        entries: the queue, the batch's own labelled objects included.
        index: the number of every item.
        neighbours: k.
        metric: cosine similarity, or the Euclidean distance between embeddings that are not normalised.

    Source: SemPPL, claims 11 to 15.
    """
    shape = online[0].present.shape
    classes, number = torch.unique(entries.labels, return_inverse=True)
    owners = index[:, None].expand(shape).flatten()
    votes = torch.zeros(len(owners), len(classes), device=owners.device)
    asked = len(online) * len(entries.labels) * min(neighbours, entries.labels.shape[1])
    for queries in online:
        for keys, labels, named in zip(entries.vectors, entries.labels, number, strict=True):
            told = (labels >= 0).nonzero()[:, 0]  # most of a young queue is not, and the search is the costly part
            hidden = (owners[:, None] == entries.index[told]) | ~queries.present.flatten()[:, None]
            near, place = _nearest(queries.vectors.flatten(0, 1), keys[told], hidden, neighbours, metric)
            # Nearness adds up to less than one vote: it decides between equals alone.
            weight = torch.where(near > -torch.inf, 1 + near / (asked + 1), 0.0)
            votes.scatter_add_(1, named[told][place], weight)
    most, winner = votes.max(dim=1)
    return torch.where(most > 0, classes[winner], -1).view(shape)


def _nearest(
    queries: Float[Tensor, "rows dim"],
    keys: Float[Tensor, "keys dim"],
    hidden: Bool[Tensor, "rows keys"],
    neighbours: int,
    metric: Metric,
) -> tuple[Float[Tensor, "rows nearest"], Int[Tensor, "rows nearest"]]:
    """The nearest keys that are not hidden, and their nearness in [0, 1], −∞ where none is left."""
    if metric == "cosine":
        near = unit(queries).float() @ unit(keys).float().T
    else:
        near = -torch.cdist(queries.float(), keys.float())
    found = near.masked_fill_(hidden, -torch.inf).topk(min(neighbours, len(keys)), dim=1)
    nearness = (found.values.clamp(max=1) + 1) / 2 if metric == "cosine" else 1 / (1 - found.values)
    return torch.where(found.values > -torch.inf, nearness, -torch.inf), found.indices


@torch.no_grad()
def drawn(
    labels: Int[Tensor, " capacity"], wanted: Int[Tensor, " rows"], uniform: Float[Tensor, " rows"]
) -> Int[Tensor, " rows"]:
    """For every row the place of an entry with the wanted label, evenly drawn by `uniform` in [0, 1); −1 if none.

    Example:
        >>> drawn(torch.tensor([1, 0, -1, 1]), torch.tensor([1, 1, 0, 2, -1]), torch.tensor([0.1, 0.9, 0.5, 0.5, 0.5]))
        tensor([ 0,  3,  1, -1, -1])
    """
    sorted_labels, order = labels.sort(stable=True)
    first = torch.searchsorted(sorted_labels, wanted.contiguous())
    count = torch.searchsorted(sorted_labels, wanted.contiguous(), right=True) - first
    # The product of a number below 1 in float32 can round up to the count itself.
    within = torch.minimum((uniform * count).long(), count - 1).clamp(min=0)
    place = order[(first + within).clamp(max=len(labels) - 1)]
    return torch.where((count > 0) & (wanted >= 0), place, -1)

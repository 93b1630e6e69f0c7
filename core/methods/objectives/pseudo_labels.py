"""Labels for what has none: by the nearest labelled embeddings."""

import torch
from jaxtyping import Int
from torch import Tensor

from ...data.segmentation import Objects
from ...losses.nearest_labels import Metric, elected, votes
from .queue import Entries


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
    counted = torch.zeros(len(owners), len(classes), device=owners.device)
    asked = len(online) * len(entries.labels) * min(neighbours, entries.labels.shape[1])
    for queries in online:
        for keys, labels, named in zip(entries.vectors, entries.labels, number, strict=True):
            known = (labels >= 0).nonzero()[:, 0]  # most of a young queue is not, and the search is the costly part
            hidden = (owners[:, None] == entries.index[known]) | ~queries.present.flatten()[:, None]
            vectors = queries.vectors.flatten(0, 1)
            counted += votes(vectors, keys[known], named[known], len(classes), hidden, neighbours, metric, asked)
    return elected(counted, classes).view(shape)

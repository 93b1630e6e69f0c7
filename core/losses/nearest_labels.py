"""Labels for what has none: by the nearest labelled vectors."""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.precision import full_precision
from .distances import unit

Metric = Literal["cosine", "euclidean"]


@torch.no_grad()
def nearest_labels(
    query: Float[Tensor, "rows dim"],
    bank: Float[Tensor, "entries dim"],
    bank_labels: Int[Tensor, " entries"],
    neighbours: int = 1,
    metric: Metric = "cosine",
) -> Int[Tensor, " rows"]:
    """The class for which most of the nearest labelled entries vote; a tie goes to the class that is nearer in sum.

    Args:
        query: vectors of unlabelled rows.
        bank: labelled vectors.
        bank_labels: their classes; −1 is unknown, and never asked.
        neighbours: k.
        metric: cosine similarity, or the Euclidean distance between vectors that are not normalised.

    −1 where there is nobody to ask.

    Source: SemPPL (WO 2023/222889), claims 11 to 15.

    Example:
        >>> bank, labels = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.1, 0.9]]), torch.tensor([5, 7, 7])
        >>> nearest_labels(torch.tensor([[0.9, 0.1], [0.2, 0.7]]), bank, labels).tolist()
        [5, 7]
    """
    classes, number = torch.unique(bank_labels, return_inverse=True)
    known = (bank_labels >= 0).nonzero()[:, 0]
    nobody = torch.zeros(len(query), len(known), dtype=torch.bool, device=query.device)
    counted = votes(query, bank[known], number[known], len(classes), nobody, neighbours, metric, neighbours)
    return elected(counted, classes)


def votes(
    query: Float[Tensor, "rows dim"],
    keys: Float[Tensor, "keys dim"],
    number: Int[Tensor, " keys"],
    classes: int,
    hidden: Bool[Tensor, "rows keys"],
    neighbours: int,
    metric: Metric,
    asked: int,
) -> Float[Tensor, "rows classes"]:
    """One vote for every neighbour's class, and its nearness as a part of a vote.

    Args:
        query: vectors of rows.
        keys: labelled vectors.
        number: the class of each, as a number below `classes`.
        classes: how many there are.
        hidden: which keys a row may not ask.
        neighbours: k.
        metric: what is near.
        asked: neighbours asked in all: the nearness of so many adds up to less than one vote, and so decides between
            equals alone.
    """
    near, place = _nearest(query, keys, hidden, neighbours, metric)
    weight = torch.where(near > -torch.inf, 1 + near / (asked + 1), 0.0)
    return torch.zeros(len(query), classes, device=query.device).scatter_add_(1, number[place], weight)


def elected(counted: Float[Tensor, "rows classes"], classes: Int[Tensor, " classes"]) -> Int[Tensor, " rows"]:
    """The class with most votes; −1 where nobody voted."""
    if not len(classes):
        return torch.full((len(counted),), -1, device=counted.device)
    most, winner = counted.max(dim=1)
    return torch.where(most > 0, classes[winner], -1)


def _nearest(
    queries: Float[Tensor, "rows dim"],
    keys: Float[Tensor, "keys dim"],
    hidden: Bool[Tensor, "rows keys"],
    neighbours: int,
    metric: Metric,
) -> tuple[Float[Tensor, "rows nearest"], Int[Tensor, "rows nearest"]]:
    """The nearest keys that are not hidden, and their nearness in [0, 1], −∞ where none is left."""
    with full_precision(queries):
        if metric == "cosine":
            near = unit(queries).float() @ unit(keys).float().T
        else:
            near = -torch.cdist(queries.float(), keys.float())
    found = near.masked_fill_(hidden, -torch.inf).topk(min(neighbours, len(keys)), dim=1)
    nearness = (found.values.clamp(max=1) + 1) / 2 if metric == "cosine" else 1 / (1 - found.values)
    return torch.where(found.values > -torch.inf, nearness, -torch.inf), found.indices

"""One positive among many candidates: the distribution that contrast sharpens and invariance keeps."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...data.segmentation import Objects
from ...distributed.ranks import gather, mean_over_ranks
from ...losses.distances import unit
from ...losses.info_nce import info_nce_of_scores
from ...losses.invariance import invariance


@final
@dataclass(frozen=True)
class Comparison:
    """Scores ⟨q, z⟩ / τ of every object with its positive, and with the objects of all ranks.

    `allowed` says which of these are its negatives; `there` says which rows are compared at all.
    """

    positive: Float[Tensor, " rows"]
    others: Float[Tensor, "rows keys"]
    allowed: Bool[Tensor, "rows keys"]
    there: Bool[Tensor, " rows"]


def compare(
    online: Objects,
    teacher: Objects,
    temperature: float,
    negatives: Bool[Tensor, "rows keys"],
    positives: Float[Tensor, "rows dim"] | None = None,
    there: Bool[Tensor, " rows"] | None = None,
) -> Comparison:
    """Compare the online objects of one view with the teacher's of another.

    Args:
        online: predictions q.
        teacher: projections z; gradients enter them if they carry any.
        temperature: τ.
        negatives: for each of this rank's objects, which objects of all ranks may be its negatives.
        positives: other positives than the object's own projection.
        there: which objects are compared; those present in both views by default.
    """
    queries = unit(online.vectors).flatten(0, 1)
    own = unit(teacher.vectors).flatten(0, 1)
    keys, _ = gather(own)
    present, _ = gather(teacher.present.flatten().float())
    positive = (queries * (own if positives is None else unit(positives))).sum(dim=1)
    there = (online.present & teacher.present).flatten() if there is None else there
    return Comparison(positive / temperature, queries @ keys.T / temperature, negatives & (present > 0), there)


def contrast(compared: Comparison) -> Float[Tensor, ""]:
    """−log p(positive), averaged over the objects compared on all ranks."""
    there = compared.there
    losses = info_nce_of_scores(compared.positive[there], compared.others[there], compared.allowed[there])
    return mean_over_ranks(losses.sum(), there.sum())


def divergence(compared: Comparison, reference: Comparison) -> Float[Tensor, ""]:
    """`gestalt.losses.invariance` over the candidates that both have, averaged over the objects compared in both."""
    there = compared.there & reference.there
    allowed = (compared.allowed & reference.allowed)[there]
    allowed = torch.cat([torch.ones_like(allowed[:, :1]), allowed], dim=1)
    scores, held = (
        torch.cat([side.positive[there][:, None], side.others[there]], dim=1) for side in (compared, reference)
    )
    losses = invariance(scores, held, allowed, reduction="none")
    return mean_over_ranks(losses.sum(), there.sum())


def choose_negatives(
    teacher: tuple[Objects, ...], number: int | None, same_item: bool, generator: torch.Generator
) -> Bool[Tensor, "rows keys"]:
    """For each of this rank's objects, the objects of all ranks that are its negatives: never itself.

    Args:
        teacher: the teacher's objects in all its views.
        number: so many, drawn evenly and without replacement among those present in all views; None takes all.
        same_item: whether other objects of the same item are negatives.
        generator: the same on all ranks.
    """
    items, objects = teacher[0].present.shape
    everywhere = torch.stack([view.present for view in teacher]).all(dim=0).flatten()
    present, start = gather(everywhere.float())
    total, device = len(present), present.device
    mine = start + torch.arange(items * objects, device=device)
    key = torch.arange(total, device=device)
    same = mine[:, None] == key if same_item else mine[:, None] // objects == key // objects
    if number is None:
        return ~same
    luck = torch.rand(total, total, generator=generator)[start : start + items * objects].to(device)
    luck = luck.masked_fill(same | (present == 0), -1.0)
    best = luck.topk(min(number, total), dim=1)
    return torch.zeros_like(same).scatter_(1, best.indices, best.values >= 0)

"""One positive among many candidates: the distribution that contrast sharpens and invariance keeps."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...data.segmentation import Objects
from ...distributed.ranks import gather, mean_over_ranks
from ...losses.distances import unit


@final
@dataclass(frozen=True)
class Comparison:
    """Scores ⟨q, z⟩ / τ of every object with its positive (column 0) and with the objects of all ranks.

    `allowed` says which columns are candidates; `there` says which rows are compared at all.
    """

    scores: Float[Tensor, "rows candidates"]
    allowed: Bool[Tensor, "rows candidates"]
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
    positive = (queries * (own if positives is None else unit(positives))).sum(dim=1, keepdim=True)
    there = (online.present & teacher.present).flatten() if there is None else there
    first = torch.ones_like(there)[:, None]
    return Comparison(
        torch.cat([positive, queries @ keys.T], dim=1) / temperature,
        torch.cat([first, negatives & (present > 0)], dim=1),
        there,
    )


def contrast(compared: Comparison) -> Float[Tensor, ""]:
    """−log p(positive), averaged over the objects compared on all ranks."""
    scores = torch.where(compared.allowed, compared.scores, -torch.inf)[compared.there]
    losses = scores.logsumexp(dim=1) - scores[:, 0]
    return mean_over_ranks(losses.sum(), compared.there.sum())


def divergence(compared: Comparison, reference: Comparison) -> Float[Tensor, ""]:
    """KL( p ‖ p' ) over the candidates that both have, averaged over the objects compared in both; none enters p'.

    Source: ReLIC's invariance penalty, with the gradient stopped at one side, as the authors do.
    """
    there = compared.there & reference.there
    shared = (compared.allowed & reference.allowed)[there]
    log_p, log_r = (
        torch.where(shared, side.scores[there], -torch.inf).log_softmax(dim=1)
        for side in (compared, Comparison(reference.scores.detach(), reference.allowed, reference.there))
    )
    # −∞ − (−∞) would poison the gradient of what is no candidate.
    log_p, log_r = torch.where(shared, log_p, 0.0), torch.where(shared, log_r, 0.0)
    losses = (torch.where(shared, log_p.exp(), 0.0) * (log_p - log_r)).sum(dim=1)
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

"""Which caption fits which picture: scores of all pairs, caption match, retrieval both ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.evaluation import ranked_above
from gestalt.core.evaluation.retrieval import Ranks
from gestalt.core.losses.best_matches import best_matches

from .alone import Encoded
from .synthetic.words import SORTS, Sort

Way = Literal["whole", "objects"]
"""Whole captions with whole pictures; or every element of a caption with the cell that is most like it."""
WAYS: tuple[Way, ...] = ("whole", "objects")
AT = (1, 5)
SIDE = 20
"""Captions, and pictures, whose elements are compared at a time."""
ROUNDING = 1e-6
"""Scores that differ by no more are equal."""


@final
@dataclass(frozen=True)
class Scores:
    """How well captions fit pictures.

    Attributes:
        pairs: every caption with every picture; caption i belongs to picture i.
        changed: false captions, each with the picture that it is false of.
        of: the number of that picture.
    """

    pairs: Float[Tensor, "captions pictures"]
    changed: Float[Tensor, " changed"]
    of: Int[Tensor, " changed"]


def scores(captions: Encoded, pictures: Encoded, changed: Encoded, of: Int[Tensor, " changed"], way: Way) -> Scores:
    """All scores by one of the two ways."""
    if way == "whole":
        own = (changed.whole * pictures.whole[of]).sum(dim=1)
        return Scores(captions.whole @ pictures.whole.T, own, of)
    rows = [
        torch.cat([_matched(captions.rows(one), pictures.rows(two)) for two in _parts(len(pictures.whole))], dim=1)
        for one in _parts(len(captions.whole))
    ]
    own = torch.cat([_paired(changed.rows(one), pictures.rows(of[one])) for one in _parts(len(of))])
    return Scores(torch.cat(rows), own, of)


def _parts(count: int) -> list[slice]:
    return [slice(first, first + SIDE) for first in range(0, count, SIDE)]


def _matched(captions: Encoded, pictures: Encoded) -> Float[Tensor, "captions pictures"]:
    asking, asked = (one.elements[one.valid] for one in (captions, pictures))
    asking_item, asked_item = (one.valid.nonzero()[:, 0] for one in (captions, pictures))
    return best_matches(asking, asked, asking_item, asked_item, (len(captions.whole), len(pictures.whole)))


def _paired(captions: Encoded, pictures: Encoded) -> Float[Tensor, " captions"]:
    similarity = torch.where(pictures.valid[:, None], captions.elements @ pictures.elements.mT, -torch.inf)
    highest = torch.where(captions.valid, similarity.amax(dim=2), 0.0)
    return highest.sum(dim=1) / captions.valid.sum(dim=1).clamp(min=1)


def match_metrics(found: Scores) -> dict[str, float]:
    """Caption match against other captions and against those with a word changed, and retrieval both ways."""
    right = found.pairs.diagonal()
    pictures, others = len(right), ~torch.eye(len(right), dtype=torch.bool)
    of_others = ranked_above(right[:, None], _rounded(found.pairs.T, right), others)
    every = found.of == torch.arange(pictures)[:, None]
    of_changed = ranked_above(right[:, None], _rounded(found.changed.expand(pictures, -1), right), every)
    metrics = {"match": float(of_others.nanmean()), "one word": float(of_changed.nanmean())}
    for name, table in (("→ picture", found.pairs), ("→ caption", found.pairs.T)):
        ranks = _ranks(table)
        metrics |= {f"R@{k} {name}": ranks.recall(k) for k in AT}
    return metrics


def by_sort(found: Scores, sorts: Sequence[Sort]) -> dict[str, float]:
    """How often the true caption is above the false one, by what the changed word says; equal counts half."""
    above = (1 + _sign(found.pairs.diagonal()[found.of] - found.changed)) / 2
    return {sort: float(above[torch.tensor([one == sort for one in sorts])].mean()) for sort in SORTS if sort in sorts}


def _ranks(table: Float[Tensor, "queries rows"]) -> Ranks:
    """Where row i stands for query i."""
    difference = _sign(table - table.diagonal()[:, None])
    others = ~torch.eye(len(table), dtype=torch.bool)
    ones = torch.ones(len(table), dtype=torch.long)
    return Ranks(((difference > 0) & others).sum(dim=1), ((difference == 0) & others).sum(dim=1), ones)


def _rounded(wrong: Float[Tensor, "items wrong"], right: Float[Tensor, " items"]) -> Float[Tensor, "items wrong"]:
    return torch.where(_sign(wrong - right[:, None]) == 0, right[:, None], wrong)


def _sign(difference: Tensor) -> Tensor:
    return torch.where(difference.abs() <= ROUNDING, 0.0, difference.sign())

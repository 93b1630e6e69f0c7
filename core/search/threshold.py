"""How near is a copy? The threshold of a chosen error rate, and what it finds of copies that are known."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..evaluation.verification import error_curve
from .copies import Copies, copies_of
from .encodes import Encodes
from .entries import OBJECT
from .index import Index
from .nearest import nearest

CANDIDATES = 20
"""So many of the nearest rows of an item are looked at."""
EXACT = 1 - 1e-6
"""Greater thresholds would miss exact copies by rounding."""


@final
@dataclass(frozen=True)
class Threshold:
    """A threshold on the cosine similarity, and what it was chosen by.

    Attributes:
        value: pairs with this similarity or more are near-duplicates.
        items: whose nearest others were looked at.
        likely: of these, so many have another item that is nearer than half of their own copies.
        equal_error_rate: of copies against pairs of different items; NaN where there are no copies.
    """

    value: float
    items: int
    likely: int
    equal_error_rate: float


def chosen_threshold(
    model: Encodes,
    index: Index,
    of: str,
    rows: Int[np.ndarray, " sample"],
    error_rate: float,
    seed: int = 0,
) -> Threshold:
    """The least threshold at which false matches are at most the error rate, by two counts.

    - Of all pairs of different items of the sample, at most this share lies above it (false accept rate).
    - Of the items, at most this share has a false match anywhere in the index. Which matches are false is not known,
      for data hold copies: another item that is nearer than half of an item's own copies, made by the modality's views,
      is taken for a copy and not counted.

    Args:
        model: the run of the index.
        index: where copies are looked for.
        of: `item`, `object` or `part:NAME`. No copies are made of objects: the first count decides alone.
        rows: a sample of such rows.
        error_rate: share of false matches.
        seed: of the views.

    Raises:
        ValueError: if there are fewer than two different things.
    """
    vectors = index.vectors(rows)
    copies = [] if of == OBJECT else list(copies_of(model, index, rows.tolist(), of, every=False, seed=seed))
    different = _different(index, rows, vectors)
    if not len(different):
        raise ValueError(
            "a threshold is chosen by pairs of different items, and there are none; name one by --threshold"
        )
    own = [torch.stack([_own(index, part, one) for one in part.vectors.values()]) for part in copies]
    if not own:
        return Threshold(min(_above(different, error_rate), EXACT), 0, 0, float("nan"))
    kept, scores = np.concatenate([part.rows for part in copies]), torch.cat(own, dim=1)
    curve = error_curve(
        torch.cat([different, scores.flatten()]),
        torch.arange(len(different) + scores.numel()) >= len(different),
    )
    others, likely = _nearest_others(index, of, kept, scores.quantile(0.5, dim=0))
    value = max(_above(different, error_rate), _above(others, error_rate))
    return Threshold(min(value, EXACT), len(kept), likely, curve.equal_error_rate)


@final
@dataclass(frozen=True)
class Measured:
    """Copies of one sort that were looked for in an index.

    Attributes:
        name: of the view or transform that made them.
        copies: how many.
        recall: the share whose original is found.
        precision: of all matches, the share that is an original; NaN without a match.
        false_matches: the share of the copies that find something else.
    """

    name: str
    copies: int
    recall: float
    precision: float
    false_matches: float


def measured(
    model: Encodes, index: Index, of: str, rows: Int[np.ndarray, " sample"], threshold: float, seed: int = 0
) -> list[Measured]:
    """How many copies by each view and transform of the modality find their originals in the index, and what else.

    Args:
        model: the run of the index.
        index: holds the originals.
        of: `item` or `part:NAME`.
        rows: of the originals; others than those by which the threshold was chosen.
        threshold: of the similarity.
        seed: of the views.
    """
    return measured_on(copies_of(model, index, rows.tolist(), of, every=True, seed=seed + 1), index, of, threshold)


def measured_on(copies: Iterable[Copies], index: Index, of: str, threshold: float) -> list[Measured]:
    """How many of these copies find their originals in the index, and what else.

    What else they find counts as false, though it may be a copy: precision is a lower bound where data hold any.

    Args:
        copies: with the rows of their originals.
        index: holds the originals.
        of: `item` or `part:NAME`.
        threshold: of the similarity.
    """
    found: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for part in copies:
        for name, vectors in part.vectors.items():
            hits = _own(index, part, vectors) >= threshold
            found.setdefault(name, []).append((hits, _matches(index, of, part.rows, vectors, threshold)))
    results = []
    for name, parts in found.items():
        hits, others = torch.cat([one for one, _ in parts]), torch.cat([one for _, one in parts])
        matches = int(hits.sum()) + int(others.sum())
        precision = int(hits.sum()) / matches if matches else float("nan")
        share = float((others > 0).double().mean())
        results.append(Measured(name, len(hits), float(hits.double().mean()), precision, share))
    return results


def same_whole(
    index: Index, rows: Int[np.ndarray, " one"], others: Int[np.ndarray, " other"]
) -> Bool[Tensor, "one other"]:
    """Which rows are windows of the same whole: they are alike, and no copies of one another."""
    file = index.file[rows][:, None] == index.file[others]
    return torch.from_numpy(file & (index.whole[rows][:, None] == index.whole[others]))


def _different(
    index: Index, rows: Int[np.ndarray, " sample"], vectors: Float[Tensor, "sample dim"]
) -> Float[Tensor, " pairs"]:
    """The similarities of all pairs of different things in a sample."""
    apart = ~same_whole(index, rows, rows)
    return (vectors @ vectors.T)[apart.triu(1)]


def _own(index: Index, copies: Copies, vectors: Float[Tensor, "items dim"]) -> Float[Tensor, " items"]:
    """The similarity of every copy to its original."""
    return (vectors * index.vectors(copies.rows)).sum(dim=1)


def _above(scores: Float[Tensor, " scores"], share: float) -> float:
    """The least threshold, but for rounding, with at most this share of the scores at or above it."""
    ordered = scores.double().sort(descending=True).values
    allowed = int(share * len(ordered) + 1e-9)
    return float(ordered[allowed]) + 1e-6 if allowed < len(ordered) else float(ordered[-1])


def _nearest_others(
    index: Index, of: str, rows: Int[np.ndarray, " items"], typical: Float[Tensor, " items"]
) -> tuple[Float[Tensor, " items"], int]:
    """The nearest other thing of every item that is no likely copy, and how many items have likely copies."""
    vectors = index.vectors(rows)
    found = nearest(vectors, index.blocks(index.rows_of([of])), CANDIDATES)
    there = found.number >= 0
    numbers = found.number.clamp(min=0).numpy()
    alike = torch.from_numpy(
        (index.file[numbers] == index.file[rows][:, None]) & (index.whole[numbers] == index.whole[rows][:, None])
    )
    other = there & ~alike
    likely = other & (found.similarity >= typical[:, None])
    counted = torch.where(other & ~likely, found.similarity, -1.0).amax(dim=1)
    least = torch.where(there, found.similarity, torch.inf).amin(dim=1)
    # Where all candidates are likely copies, what comes behind them is at most as near as the last.
    full = there.all(dim=1) & ~(other & ~likely).any(dim=1)
    return torch.where(full, least, counted), int(likely.any(dim=1).sum())


def _matches(
    index: Index, of: str, rows: Int[np.ndarray, " items"], vectors: Float[Tensor, "items dim"], threshold: float
) -> Int[Tensor, " items"]:
    """How many things other than its original every copy finds."""
    counts = torch.zeros(len(rows), dtype=torch.long)
    for numbers, others in index.blocks(index.rows_of([of])):
        near = (vectors @ others.T >= threshold) & ~same_whole(index, rows, numbers.numpy())
        counts += near.sum(dim=1)
    return counts

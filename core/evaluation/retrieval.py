"""Retrieval: how far up the list does each query find what belongs to it, such as the sound of a picture?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

ROUNDING = 1e-9
"""Cosines that differ by no more are equal: far above what float64 rounds, far below what float32 vectors say."""


@final
@dataclass(frozen=True)
class Ranks:
    """For every query, where the first right row of the bank stands in the list by descending similarity.

    Attributes:
        above: wrong rows that are more alike than the most alike right one.
        tied: wrong rows that are exactly as alike.
        right: right rows that are as alike as the most alike one; 1 or more.
    """

    above: Int[Tensor, " queries"]
    tied: Int[Tensor, " queries"]
    right: Int[Tensor, " queries"]

    def expected(self) -> Float[Tensor, " queries"]:
        """The rank of the first right row, 1 for the top, in expectation over all orders of what is tied.

        `above + 1 + tied / (right + 1)`: a collapsed network, to which all rows are alike, has the rank of chance.
        """
        return self.above + 1 + self.tied.double() / (self.right + 1)

    def recall(self, at: int) -> float:
        """R@k: the chance that a right row is among the first k, over queries and all orders of what is tied.

        With m = k − above places left, a right row is missed by C(tied, m) / C(tied + right, m) of the orders.
        """
        left = (at - self.above).clamp(min=0).double()
        tied, right = self.tied.double(), self.right.double()
        missed = (_log_choose(tied, left) - _log_choose(tied + right, torch.minimum(left, tied + right))).exp()
        missed = torch.where(left > tied, 0.0, missed)
        return float((1 - missed).mean())


@final
@dataclass(frozen=True)
class Retrieval:
    """How well queries found what belongs to them.

    Attributes:
        recall: R@k by k.
        median_rank: of the expected ranks, 1 for the top.
        mean_reciprocal_rank: of the expected ranks.
        queries: how many asked.
        rows: how many were searched.
    """

    recall: Mapping[int, float]
    median_rank: float
    mean_reciprocal_rank: float
    queries: int
    rows: int


def ranks(
    queries: Float[Tensor, "queries dim"],
    bank: Float[Tensor, "rows dim"],
    query_labels: Int[Tensor, " queries"] | None = None,
    bank_labels: Int[Tensor, " rows"] | None = None,
    chunk: int = 1024,
) -> Ranks:
    """Where the rows that belong to every query stand among all rows, by cosine similarity in float64.

    Args:
        queries: vectors that ask.
        bank: vectors that are searched.
        query_labels: of every query; rows with the same label are right. None: row i belongs to query i alone.
        bank_labels: of every row; needed with `query_labels`.
        chunk: queries, and rows, that are compared at a time; memory grows with its square and not with the bank.

    Raises:
        ValueError: if labels are missing on one side, a vector is not finite, or a query has no right row.

    Example:
        >>> found = ranks(torch.eye(3), torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
        >>> found.expected().tolist(), round(found.recall(1), 3)
        ([2.0, 1.5, 1.0], 0.611)
    """
    if (query_labels is None) != (bank_labels is None):
        raise ValueError("labels are needed for queries and bank, or for neither")
    if query_labels is None or bank_labels is None:
        if len(queries) != len(bank):
            raise ValueError(
                f"without labels row i belongs to query i, got {len(queries)} queries and {len(bank)} rows"
            )
        query_labels = bank_labels = torch.arange(len(queries), device=queries.device)
    for word, vectors in (("queries", queries), ("bank", bank)):
        if not bool(vectors.isfinite().all()):
            raise ValueError(
                f"vectors are finite, but those of the {word} are not: what has no vector cannot be ranked"
            )
    some = [
        _ranks(queries[first : first + chunk], query_labels[first : first + chunk], bank, bank_labels, chunk)
        for first in range(0, len(queries), chunk)
    ]
    if not some:
        raise ValueError("there are no queries")
    return Ranks(*(torch.cat(counts) for counts in zip(*some, strict=True)))


def retrieval(
    queries: Float[Tensor, "queries dim"],
    bank: Float[Tensor, "rows dim"],
    query_labels: Int[Tensor, " queries"] | None = None,
    bank_labels: Int[Tensor, " rows"] | None = None,
    at: Sequence[int] = (1, 5),
    chunk: int = 1024,
) -> Retrieval:
    """R@k, median rank and mean reciprocal rank of what belongs to every query; one direction.

    Equal similarities are counted as if their order were drawn: nothing is won by giving all rows one vector. The
    other arguments and errors are those of `ranks`. The other direction is `retrieval(bank, queries, …)`.

    Args:
        queries: vectors that ask.
        bank: vectors that are searched.
        query_labels: of every query.
        bank_labels: of every row.
        at: each k.
        chunk: at a time.

    Example:
        >>> sounds, pictures = torch.eye(4), torch.eye(4)[[0, 1, 3, 2]]
        >>> round(retrieval(sounds, pictures).recall[1], 3), round(retrieval(sounds, torch.ones(4, 4)).recall[1], 3)
        (0.5, 0.25)
    """
    found = ranks(queries, bank, query_labels, bank_labels, chunk)
    expected = found.expected()
    return Retrieval(
        {k: found.recall(k) for k in at},
        float(expected.quantile(0.5)),
        float((1 / expected).mean()),
        len(queries),
        len(bank),
    )


def _ranks(
    queries: Float[Tensor, "queries dim"],
    labels: Int[Tensor, " queries"],
    bank: Float[Tensor, "rows dim"],
    bank_labels: Int[Tensor, " rows"],
    chunk: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """The three counts of some queries; the bank is gone through twice, since the best right row may be its last."""
    asked = normalize(queries.double(), dim=1)

    def parts() -> list[slice]:
        return [slice(first, first + chunk) for first in range(0, len(bank), chunk)]

    def compared(part: slice) -> tuple[Tensor, Tensor]:
        return asked @ normalize(bank[part].double(), dim=1).T, labels[:, None] == bank_labels[part]

    best = asked.new_full((len(queries),), -math.inf)
    for part in parts():
        similarity, mine = compared(part)
        best = torch.maximum(best, similarity.masked_fill(~mine, -math.inf).amax(dim=1))
    if not bool(best.isfinite().all()):
        raise ValueError(f"every query needs a right row in the bank, and {int((~best.isfinite()).sum())} have none")
    above, tied, right = (torch.zeros(len(queries), dtype=torch.long, device=bank.device) for _ in range(3))
    for part in parts():
        similarity, mine = compared(part)
        alike = (similarity - best[:, None]).abs() <= ROUNDING
        above += ((similarity > best[:, None]) & ~alike & ~mine).sum(dim=1)
        tied += (alike & ~mine).sum(dim=1)
        right += (alike & mine).sum(dim=1)
    return above, tied, right


def _log_choose(of: Tensor, some: Tensor) -> Tensor:
    """log C(n, k) for 0 ≤ k ≤ n; NaN or infinite elsewhere."""
    return torch.lgamma(of + 1) - torch.lgamma(some + 1) - torch.lgamma(of - some + 1)

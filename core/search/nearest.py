"""The rows nearest to queries, and all pairs of rows that are near, block by block."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

QUERIES = 512
"""Queries that are compared with a block at once."""
BLOCK = 8192
"""Rows of a block for queries."""
SIDE = 4096
"""Rows of a block for pairs."""

Block = tuple[Int[Tensor, " _"], Float[Tensor, "_ dim"]]
"""Numbers of rows, ascending over all blocks, and their vectors of length 1."""

Kernel = Callable[
    [Float[Tensor, "queries dim"], Float[Tensor, "rows dim"], int],
    tuple[Float[Tensor, "queries most"], Int[Tensor, "queries most"]],
]
"""Queries, rows and how many → the greatest inner products of each query, descending, and the rows that have them."""


@final
@dataclass(frozen=True)
class Nearest:
    """For every query the nearest rows: their similarity, descending, and their numbers; −∞ and −1 where there is none.

    Rows of equal similarity come in the order of their numbers, as far as all of them are among the nearest.
    """

    similarity: Float[Tensor, "queries most"]
    number: Int[Tensor, "queries most"]


def nearest(
    queries: Float[Tensor, "queries dim"], blocks: Iterable[Block], most: int, kernel: Kernel | None = None
) -> Nearest:
    """The `most` rows with the greatest cosine similarity `s(q, x) = q·x` for vectors of length 1.

    Args:
        queries: of length 1.
        blocks: rows, a few thousand at a time: memory holds one block, and its products with `QUERIES` queries.
        most: rows per query.
        kernel: finds them within a block; by default torch.

    Example:
        >>> rows = torch.eye(3)
        >>> found = nearest(rows[:1], [(torch.arange(2), rows[:2]), (torch.tensor([2]), rows[2:])], most=2)
        >>> found.number.tolist(), found.similarity.tolist()
        ([[0, 1]], [[1.0, 0.0]])
    """
    kernel = kernel or by_torch
    similarity = torch.full((len(queries), most), -torch.inf)
    number = torch.full((len(queries), most), -1, dtype=torch.long)
    for numbers, vectors in blocks:
        for first in range(0, len(queries), QUERIES):
            here = slice(first, first + QUERIES)
            found, places = _in_order(*kernel(queries[here], vectors, min(most, len(vectors))))
            every = torch.cat([similarity[here], found], dim=1)
            names = torch.cat([number[here], numbers[places]], dim=1)
            # Blocks come in ascending order, so a stable sort leaves equals in the order of their numbers.
            order = every.argsort(dim=1, descending=True, stable=True)[:, :most]
            similarity[here], number[here] = every.gather(1, order), names.gather(1, order)
    return Nearest(similarity, number)


def by_torch(
    queries: Float[Tensor, "queries dim"], rows: Float[Tensor, "rows dim"], most: int
) -> tuple[Float[Tensor, "queries most"], Int[Tensor, "queries most"]]:
    """All inner products, and the greatest of them."""
    found, places = (queries @ rows.T).topk(most, dim=1)
    return found, places


def _in_order(
    found: Float[Tensor, "queries most"], places: Int[Tensor, "queries most"]
) -> tuple[Float[Tensor, "queries most"], Int[Tensor, "queries most"]]:
    """The same, equals by their places."""
    order = places.argsort(dim=1)
    found, places = found.gather(1, order), places.gather(1, order)
    order = found.argsort(dim=1, descending=True, stable=True)
    return found.gather(1, order), places.gather(1, order)


@final
@dataclass(frozen=True)
class Pairs:
    """Pairs of rows, `one < other`, and their similarity."""

    one: Int[Tensor, " pairs"]
    other: Int[Tensor, " pairs"]
    similarity: Float[Tensor, " pairs"]


def pairs_above(blocks: Callable[[int], Iterable[Block]], threshold: float) -> Iterator[Pairs]:
    """All pairs of rows with `s ≥ threshold`, a block against a block at a time.

    Args:
        blocks: rows from the given number on, `SIDE` at a time or fewer.
        threshold: of the cosine similarity.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
        >>> [(p.one.tolist(), p.other.tolist()) for p in pairs_above(lambda first: [(torch.arange(3), rows)], 0.9)]
        [([0], [2])]
    """
    for numbers, vectors in blocks(0):
        for others, rows in blocks(int(numbers[0])):
            scores = vectors @ rows.T
            one, other = (scores >= threshold).nonzero(as_tuple=True)
            ascending = numbers[one] < others[other]
            one, other = one[ascending], other[ascending]
            if len(one):
                yield Pairs(numbers[one], others[other], scores[one, other])

"""Near-duplicates in an index: pairs above a threshold, and the groups that they make."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from .groups import Groups
from .index import Index
from .nearest import SIDE, pairs_above


@final
@dataclass(frozen=True)
class Duplicates:
    """What was found.

    Attributes:
        one, other: the rows of every pair that is kept, the most alike first.
        similarity: of both.
        pairs: how many there are in all; the most alike are kept.
        groups: rows that pairs join, the largest group first.
    """

    one: Int[np.ndarray, " kept"]
    other: Int[np.ndarray, " kept"]
    similarity: Float[np.ndarray, " kept"]
    pairs: int
    groups: list[Int[np.ndarray, " _"]]


def duplicates_in(index: Index, chosen: Bool[np.ndarray, " rows"], threshold: float, most: int = 100_000) -> Duplicates:
    """All pairs of the chosen rows with this similarity or more, compared block by block.

    Windows of one whole, and objects in them, are no copies of one another. The work grows with the square of the rows,
    memory does not: it holds a few blocks, the `most` most alike pairs, and a few numbers per row.

    Args:
        index: to look in.
        chosen: rows that are compared.
        threshold: of the cosine similarity.
        most: pairs that are kept. Groups are made by all.
    """
    groups, total = Groups(len(index.kind)), 0
    kept = _Kept.none()
    for pairs in pairs_above(lambda first: index.blocks(chosen, SIDE, first), threshold):
        one, other = pairs.one.numpy(), pairs.other.numpy()
        apart = (index.file[one] != index.file[other]) | (index.whole[one] != index.whole[other])
        one, other = one[apart], other[apart]
        if not len(one):
            continue
        total += len(one)
        groups.join(one, other)
        kept = kept.and_also(one, other, pairs.similarity.numpy()[apart], most)
    return Duplicates(kept.one, kept.other, kept.similarity, total, groups.found() if total else [])


@final
@dataclass(frozen=True)
class _Kept:
    one: Int[np.ndarray, " kept"]
    other: Int[np.ndarray, " kept"]
    similarity: Float[np.ndarray, " kept"]

    @classmethod
    def none(cls) -> "_Kept":
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))

    def and_also(
        self,
        one: Int[np.ndarray, " more"],
        other: Int[np.ndarray, " more"],
        similarity: Float[np.ndarray, " more"],
        most: int,
    ) -> "_Kept":
        """The most alike of these and further pairs; equals by their rows."""
        ones, others = np.concatenate([self.one, one]), np.concatenate([self.other, other])
        scores = np.concatenate([self.similarity, similarity])
        order = np.lexsort((others, ones, -scores))[:most]
        return _Kept(ones[order], others[order], scores[order])

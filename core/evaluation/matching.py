"""One-to-one matching of found with true things: as many pairs as can be."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from torch import Tensor


def most_pairs(allowed: Bool[Tensor, "found true"]) -> int:
    """The greatest number of allowed pairs in which nothing appears twice.

    Example: a greedy choice of the first pair would leave one.

        >>> import torch
        >>> most_pairs(torch.tensor([[True, True], [True, False]]))
        2

    Source: Hopcroft and Karp (1973), as in scipy; it agrees with the Hungarian method, where every pair is worth one.
    """
    if not allowed.numel():
        return 0
    graph = csr_array(allowed.cpu().numpy().astype(np.int8))
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def most_pairs_on_a_line(found: Float[Tensor, " found"], true: Float[Tensor, " true"], collar: float) -> int:
    """The greatest number of pairs no further than `collar` apart, for points in order.

    Walking along both lists and taking the first pair that fits is optimal on a line, and needs no table.

    Example:
        >>> import torch
        >>> most_pairs_on_a_line(torch.tensor([1.0, 1.5]), torch.tensor([1.3, 1.6]), collar=0.3)
        2
    """
    left, right, pairs = found.tolist(), true.tolist(), 0
    i = j = 0
    while i < len(left) and j < len(right):
        if abs(left[i] - right[j]) <= collar:
            i, j, pairs = i + 1, j + 1, pairs + 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return pairs

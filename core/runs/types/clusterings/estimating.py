"""How many types there are, where nobody says it."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ....evaluation.clusters import k_means

SAMPLE = 2000
"""Rows by which a number is judged."""
STARTS = 3


def silhouettes(rows: Float[Tensor, "rows dim"], most: int, seed: int) -> dict[int, float]:
    """The mean silhouette of k-means for every number of clusters that is tried, by the number.

    s_i = (b_i − a_i) / max(a_i, b_i), with a_i the mean distance of row i to its own cluster and b_i that to the
    nearest other one. Numbers are tried up to `most` or a third of the rows: every one up to ten, then in steps of an
    eighth of the number, rounded down.

    Source: Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis" (1987).

    Example:
        >>> rows = torch.tensor([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2], [9.0], [9.1], [9.2]])
        >>> scores = silhouettes(rows, most=3, seed=0)
        >>> max(scores, key=lambda number: scores[number])
        3
    """
    from sklearn.metrics import silhouette_score

    chance = torch.Generator().manual_seed(seed)
    sample = rows[torch.randperm(len(rows), generator=chance)[:SAMPLE]].numpy()
    scores = dict[int, float]()
    for number in numbers(min(most, len(sample) // 3)):
        labels = k_means(sample, number, STARTS, seed).numpy()
        if len(np.unique(labels)) > 1:
            scores[number] = float(silhouette_score(sample, labels))
    return scores


def numbers(most: int) -> list[int]:
    """The numbers that are tried.

    Example:
        >>> numbers(14), numbers(1)
        ([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], [])
        >>> numbers(40)[-6:]
        [22, 24, 27, 30, 33, 37]
    """
    tried, number = list[int](), 2
    while number <= most:
        tried.append(number)
        number += max(1, number // 8 if number > 10 else 1)
    return tried


def estimated(rows: Float[Tensor, "rows dim"], most: int, seed: int) -> tuple[int, dict[int, float]]:
    """The number of the best silhouette, 1 where there is none, and the silhouette of every number."""
    tried = silhouettes(rows, most, seed)
    return max(tried, key=lambda number: tried[number], default=1), tried

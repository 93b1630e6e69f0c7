"""Clusters of vectors, for protocols that ask whether they are classes."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from torch import Tensor


def k_means(vectors: Float[np.ndarray, "rows dim"], count: int, starts: int, seed: int) -> Int[Tensor, " rows"]:
    """The cluster of every row: the best of several starts of scikit-learn's k-means.

    Example:
        >>> one, two, three = k_means(np.array([[0.0], [0.1], [5.0]]), count=2, starts=3, seed=0).tolist()
        >>> one == two, one == three
        (True, False)
    """
    number: Any = starts  # typed as a text there
    labels: Any = KMeans(count, n_init=number, random_state=seed).fit_predict(vectors)
    return torch.from_numpy(labels).long()

"""The two sides of an evaluation: rows to learn from, and rows to be asked about."""

import numpy as np
from jaxtyping import Int
from torch import Tensor


def sides(
    train: Int[Tensor, " train"], test: Int[Tensor, " test"]
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
    """The row numbers of both sides.

    Raises:
        ValueError: if a row is on both.
    """
    learn, ask = train.cpu().numpy(), test.cpu().numpy()
    both = np.intersect1d(learn, ask)
    if len(both):
        raise ValueError(f"{len(both)} rows are in both train and test, the first is row {both[0]}")
    return learn, ask

"""Which rows are learned from and which are asked about: folds of whole groups, or a split that is given."""

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int, Shaped
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from torch import Tensor

from .sides import sides


@final
@dataclass(frozen=True)
class Split:
    """Row numbers of both sides; no row is on both.

    Example:
        >>> Split(torch.tensor([0, 1]), torch.tensor([1]))
        Traceback (most recent call last):
        ...
        ValueError: 1 rows are in both train and test, the first is row 1
    """

    train: Int[Tensor, " train"]
    test: Int[Tensor, " test"]

    def __post_init__(self) -> None:
        sides(self.train, self.test)


def folds(
    known: Shaped[Tensor, "rows ..."], groups: Int[Tensor, " rows"], count: int, seed: int = 0
) -> tuple[Split, ...]:
    """Cross-validation: every row is tested once, and the rows of a group are always on one side.

    Classes (integers) have about the same shares in every fold, as far as whole groups allow.

    Args:
        known: what is known of every row; all are known.
        groups: rows of one group stay together: the windows of a recording, the frames of a clip.
        count: how many folds, 2 or more.
        seed: of the shuffling.

    Raises:
        ValueError: if there are fewer groups than folds.

    Example: which rows come together depends on the version of scikit-learn; that each fold has both classes does not.

        >>> known = torch.tensor([0, 0, 1, 1])
        >>> found = folds(known, torch.tensor([0, 1, 2, 3]), 2)
        >>> [known[split.test].tolist() for split in found]
        [[0, 1], [0, 1]]
        >>> torch.cat([split.test for split in found]).sort().values.tolist()
        [0, 1, 2, 3]

    Source: scikit-learn's `StratifiedGroupKFold`; `GroupKFold` for values, and where every class has fewer rows than
    there are folds.
    """
    if count < 2:
        raise ValueError(f"cross-validation needs at least 2 folds, got {count}")
    there = len(groups.unique())
    if there < count:
        raise ValueError(
            f"the {len(groups)} labelled rows are of {there} groups (files, or wholes) that stay together, which is "
            f"fewer than {count} folds; take fewer folds (--folds), name a test set (--test, --split), or let items of "
            "one file be apart (--group item)"
        )
    classes = known.cpu().numpy() if known.ndim == 1 and not known.is_floating_point() else np.zeros(len(known), int)
    rows = np.zeros((len(known), 1))
    stratified = known.ndim == 1 and not known.is_floating_point() and int(np.bincount(classes).max()) >= count
    splitter = (
        StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        if stratified
        else GroupKFold(count, shuffle=True, random_state=seed)
    )
    with warnings.catch_warnings():
        # A class with fewer rows than folds is missing from some test sides, which the scores show.
        warnings.simplefilter("ignore", UserWarning)
        found = [
            Split(torch.from_numpy(train), torch.from_numpy(test))
            for train, test in splitter.split(rows, classes, groups.cpu().numpy())
        ]
    return tuple(split for split in found if len(split.test) and len(split.train))


def given_split(tested: Bool[Tensor, " rows"], used: Bool[Tensor, " rows"]) -> Split:
    """The split that the user names.

    Args:
        tested: which rows are of the test set.
        used: which rows take part at all.

    Raises:
        ValueError: if a side has no row.
    """
    train, test = (used & ~tested).nonzero()[:, 0], (used & tested).nonzero()[:, 0]
    if not len(train) or not len(test):
        raise ValueError(
            f"the split leaves {len(train)} labelled items to learn from and {len(test)} to be asked about; both sides "
            "need some: see whether --labels names items of both, and what --test or --split names"
        )
    return Split(train, test)

"""Linear support vector machines that learn from a few labelled items of every class."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from torch import Tensor

from ...components.ranges import Count, Positive, check_ranges
from ..measures import ClassMeasure
from ..splitting import Split
from .base import (
    AbstractProtocol,
    Answer,
    EvaluationData,
    LabelledVectors,
    NotApplicableError,
    answer,
    classes_of,
    items_of,
    over_splits,
)

NEVER = -1e6
"""The output of a class that is not among the labelled items."""


@final
@dataclass(frozen=True)
class LowShotSvm(AbstractProtocol):
    """One linear support vector machine per class against the rest, from k labelled items of each, over several draws.

    min ½ ‖w‖² + C Σ_i max(0, 1 − y_i (w·x_i + b))², x standardised by all training vectors of the split (their labels
    are not needed for that). The score is the mean over draws.

    Args:
        per_class: k, each a variant; a class with fewer training items gives all that it has. A k that no class
            reaches beyond the one before it is left out.
        draws: how often the labelled items are drawn.
        cost: C.

    Source: Goyal et al., "Scaling and benchmarking self-supervised visual representation learning" (2019), section 6.1:
    five draws; there C is chosen by cross-validation, here it is fixed.
    """

    per_class: tuple[Count, ...] = (1, 2, 4, 8, 16)
    draws: Count = 5
    cost: Positive = 0.1
    title: ClassVar[str] = "low-shot SVM"
    of: ClassVar[Literal["items", "elements", "masked"]] = "items"

    def __post_init__(self) -> None:
        object.__setattr__(self, "per_class", tuple(self.per_class))
        check_ranges(self)
        if not self.per_class:
            raise ValueError("per_class must be one number at least, got none")

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One for every k."""
        rows = items_of(data)
        classes = len(classes_of(rows).names)
        most = max(int(rows.known[split.train].bincount().max()) for split in rows.splits)
        sizes = sorted(set(self.per_class))
        usable = [size for place, size in enumerate(sizes) if place == 0 or sizes[place - 1] < most]
        found = []
        for size in usable:

            def one(split: Split, size: int = size) -> Float[Tensor, "draws test outputs"]:
                learn = [drawn(rows.known, split.train, size, data.seed + draw) for draw in range(self.draws)]
                return torch.stack([self._of(rows, split, few, classes) for few in learn])

            fewest = min(int(rows.known[split.train].unique(return_counts=True)[1].min()) for split in rows.splits)
            note = f"a class has only {fewest} items to learn from" if fewest < size else ""
            found.append(answer(rows, f"{size} per class", over_splits(rows, one), ClassMeasure(False), note))
        return found

    def _of(
        self, rows: LabelledVectors, split: Split, few: Int[Tensor, " few"], classes: int
    ) -> Float[Tensor, "test classes"]:
        seen = rows.known[few].unique()
        if len(seen) < 2:
            raise NotApplicableError("needs two classes among the training items of every split")
        vectors = rows.vectors.double()
        mean, scale = vectors[split.train].mean(dim=0), vectors[split.train].std(dim=0, correction=0)
        scale = torch.where(scale > 0, scale, 1.0)
        learn, ask = ((vectors[part] - mean) / scale for part in (few, split.test))
        machine = LinearSVC(C=self.cost, random_state=0, max_iter=5000)
        with warnings.catch_warnings():
            # Vectors that hardly differ converge slowly; the score says what matters.
            warnings.simplefilter("ignore", ConvergenceWarning)
            machine.fit(learn.numpy(), rows.known[few].numpy())
        decided = np.asarray(machine.decision_function(ask.numpy()))
        if decided.ndim == 1:  # of two classes there is one machine
            decided = np.stack([-decided, decided], axis=1)
        outputs = torch.full((len(split.test), classes), NEVER, dtype=torch.float64)
        outputs[:, torch.from_numpy(machine.classes_).long()] = torch.from_numpy(decided)
        return outputs


def drawn(known: Int[Tensor, " rows"], among: Int[Tensor, " train"], size: int, seed: int) -> Int[Tensor, " few"]:
    """Up to `size` of the rows `among` of every class, drawn without replacement.

    Example:
        >>> rows = drawn(torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 2, 3]), 2, seed=0)
        >>> torch.tensor([0, 0, 0, 1])[rows].tolist()
        [0, 0, 1]
    """
    shuffled = among[torch.randperm(len(among), generator=torch.Generator().manual_seed(seed))]
    parts = [shuffled[known[shuffled] == name][:size] for name in known[among].unique()]
    few: Tensor = torch.cat(parts)
    return few

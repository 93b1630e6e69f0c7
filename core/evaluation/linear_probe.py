"""How much can be read off frozen vectors with a straight line?"""

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from .sides import sides


@final
@dataclass(frozen=True)
class ClassScore:
    """What a classifying probe reached on the test rows.

    Attributes:
        accuracy: share of test rows named rightly.
        balanced: the mean of that share over the classes of the test rows.
        majority: the accuracy of naming the commonest training class always.
        unseen: share of test rows whose class no training row has; they cannot be named rightly, and count as wrong.
        support: (class, training rows, test rows), for every class that occurs.
    """

    accuracy: float
    balanced: float
    majority: float
    unseen: float
    support: tuple[tuple[int, int, int], ...]


@final
@dataclass(frozen=True)
class ValueScore:
    """What a regressing probe reached on the test rows: root mean square error in the target's unit, and R²."""

    rmse: float
    r2: float


def linear_probe(
    vectors: Float[Tensor, "rows dim"],
    labels: Int[Tensor, " rows"],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    strength: float = 1.0,
) -> ClassScore:
    """Multinomial logistic regression on standardised vectors; rows labelled −1 take no part.

    `train` and `test` are row numbers. Keep everything that shares an item, or a source, on one side. `strength` is
    scikit-learn's `C`, the inverse of the penalty on the weights.

    Raises:
        ValueError: if no labelled row is left on a side, or a row is on both.

    Example:
        >>> import torch
        >>> vectors, labels = torch.tensor([[0.0], [1.0], [0.1], [0.9]]), torch.tensor([0, 1, 0, 1])
        >>> linear_probe(vectors, labels, torch.tensor([0, 1]), torch.tensor([2, 3])).accuracy
        1.0
    """
    values, classes = vectors.detach().cpu().double().numpy(), labels.cpu().numpy()
    learn, ask = (rows[classes[rows] >= 0] for rows in sides(train, test))
    if not len(learn) or not len(ask):
        raise ValueError(f"a probe needs labelled rows on both sides, got {len(learn)} and {len(ask)}")
    seen = np.unique(classes[learn])
    if len(seen) == 1:
        predicted = np.full(len(ask), seen[0])
    else:
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        with warnings.catch_warnings():
            # Vectors that hardly differ converge slowly; the score says what matters.
            warnings.simplefilter("ignore", ConvergenceWarning)
            probe.fit(values[learn], classes[learn])
        predicted = probe.predict(values[ask])
    return class_score(predicted, classes[ask], classes[learn])


def linear_value_probe(
    vectors: Float[Tensor, "rows dim"],
    targets: Float[Tensor, " rows"],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    penalty: float = 1.0,
) -> ValueScore:
    """Ridge regression on standardised vectors; rows whose target is NaN take no part.

    `R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²` over the test rows; 0 where all test targets are equal.

    Raises:
        ValueError: if no row with a target is left on a side, or a row is on both.

    Example:
        >>> import torch
        >>> x = torch.linspace(-1, 1, 20)
        >>> rows = torch.arange(20)
        >>> linear_value_probe(x[:, None], 3 * x, rows[::2], rows[1::2], penalty=1e-6).r2 > 0.999
        True
    """
    values, y = vectors.detach().cpu().double().numpy(), targets.detach().cpu().double().numpy()
    learn, ask = (rows[~np.isnan(y[rows])] for rows in sides(train, test))
    if not len(learn) or not len(ask):
        raise ValueError(f"a probe needs rows with a target on both sides, got {len(learn)} and {len(ask)}")
    probe = make_pipeline(StandardScaler(), Ridge(alpha=penalty)).fit(values[learn], y[learn])
    return value_score(probe.predict(values[ask]), y[ask])


def class_score(predicted: np.ndarray, true: np.ndarray, learned: np.ndarray) -> ClassScore:
    """The score of predicted classes against the true ones; `learned` are the classes of the training rows."""
    right = predicted == true
    seen, number = np.unique(learned, return_counts=True)
    everything = np.unique(np.concatenate([learned, true]))
    return ClassScore(
        accuracy=float(right.mean()),
        balanced=float(np.mean([right[true == name].mean() for name in np.unique(true)])),
        majority=float((true == seen[number.argmax()]).mean()),
        unseen=float((~np.isin(true, seen)).mean()),
        support=tuple((int(c), int((learned == c).sum()), int((true == c).sum())) for c in everything),
    )


def value_score(predicted: np.ndarray, true: np.ndarray) -> ValueScore:
    """The score of predicted values against the true ones."""
    error = true - predicted
    scatter = float(((true - true.mean()) ** 2).sum())
    return ValueScore(
        rmse=float(np.sqrt((error**2).mean())), r2=1 - float((error**2).sum()) / scatter if scatter > 0 else 0.0
    )

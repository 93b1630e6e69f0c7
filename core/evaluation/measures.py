"""Scores of what a protocol answered: functions of outputs and truth alone, so that rows can be resampled."""

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr
from sklearn.metrics import normalized_mutual_info_score
from torch import Tensor

from ..methods.targets import AbstractTarget
from .calibration import calibration_error


class AbstractMeasure(abc.ABC):
    """Named scores of rows; the first is the chief one."""

    @abc.abstractmethod
    def __call__(
        self, outputs: Float[Tensor, "rows outputs"], known: Shaped[Tensor, "rows ..."]
    ) -> Mapping[str, float]:
        """The scores, NaN for what cannot be computed of these rows."""


@final
@dataclass(frozen=True)
class ClassMeasure(AbstractMeasure):
    """Of named classes: accuracy, its mean over the true classes, macro F1, and the calibration error of probabilities.

    F1 of a class is 2 hits / (found + true), averaged over the classes that are true or found in these rows.

    Args:
        probabilities: whether softmax(outputs) are probabilities, so that their calibration can be told.
    """

    probabilities: bool = True

    def __call__(self, outputs: Float[Tensor, "rows classes"], known: Int[Tensor, " rows"]) -> Mapping[str, float]:
        """The scores."""
        classes = outputs.shape[1]
        table = confusion(outputs, known, classes).double()
        hits, true, found = table.diagonal(), table.sum(dim=1), table.sum(dim=0)
        there, either = true > 0, true + found > 0
        scores = {
            "accuracy": float(hits.sum() / true.sum().clamp(min=1)),
            "balanced_accuracy": float((hits[there] / true[there]).mean()),
            "macro_f1": float((2 * hits[either] / (true + found)[either]).mean()),
        }
        return scores | ({"calibration_error": calibration_error(outputs, known)} if self.probabilities else {})


@final
@dataclass(frozen=True)
class ValueMeasure(AbstractMeasure):
    """Of predicted values: root mean square error in their unit, R², and Spearman's rank correlation.

    Args:
        target: says in which unit the outputs are; of several values the rank correlation is the mean over them.
    """

    target: AbstractTarget

    def __call__(
        self, outputs: Float[Tensor, "rows values"], known: Float[Tensor, "rows values"]
    ) -> Mapping[str, float]:
        """The scores."""
        columns = zip(outputs.double().unbind(dim=1), known.double().unbind(dim=1), strict=True)
        return self.target.score(outputs, known) | {"spearman": float(np.mean([_rank(*pair) for pair in columns]))}


@final
@dataclass(frozen=True)
class TargetMeasure(AbstractMeasure):
    """The scores that a target brings itself."""

    target: AbstractTarget

    def __call__(
        self, outputs: Float[Tensor, "rows outputs"], known: Shaped[Tensor, "rows ..."]
    ) -> Mapping[str, float]:
        """The scores."""
        return self.target.score(outputs, known)


@final
@dataclass(frozen=True)
class ClusterMeasure(AbstractMeasure):
    """Of clusters against classes; the outputs are one column, the number of each row's cluster.

    Normalised mutual information 2 I / (H(clusters) + H(classes)); purity Σ_k max_c n_kc / n; and the accuracy of the
    one-to-one naming of clusters by classes that gives the highest (the Hungarian method).
    """

    def __call__(self, outputs: Float[Tensor, "rows one"], known: Int[Tensor, " rows"]) -> Mapping[str, float]:
        """The scores."""
        clusters = outputs[:, 0].long()
        table = torch.zeros(int(clusters.max()) + 1, int(known.max()) + 1, dtype=torch.float64)
        table.index_put_((clusters, known.long()), torch.ones(len(known), dtype=torch.float64), accumulate=True)
        rows, columns = linear_sum_assignment(-table.numpy())
        return {
            "accuracy": float(table[rows, columns].sum() / len(known)),
            "nmi": float(normalized_mutual_info_score(known.numpy(), clusters.numpy())),
            "purity": float(table.max(dim=1).values.sum() / len(known)),
        }


@final
@dataclass(frozen=True)
class OverlapMeasure(AbstractMeasure):
    """Of elements that are named by one column of class numbers (−1: none): mean intersection over union, accuracy.

    The mean is over the classes that are true in these rows.
    """

    def __call__(self, outputs: Float[Tensor, "rows one"], known: Int[Tensor, " rows"]) -> Mapping[str, float]:
        """The scores."""
        named, known = outputs[:, 0].long(), known.long()
        classes = int(max(named.max(), known.max())) + 1
        true, found = known.bincount(minlength=classes), named[named >= 0].bincount(minlength=classes)
        hits = known[named == known].bincount(minlength=classes)
        there = true > 0
        overlap = hits[there].double() / (true + found - hits)[there]
        return {"miou": float(overlap.mean()), "accuracy": float((named == known).double().mean())}


@final
@dataclass(frozen=True)
class MeanMeasure(AbstractMeasure):
    """The mean over rows of numbers that are scores already.

    Args:
        names: of the columns.
    """

    names: tuple[str, ...]

    def __call__(
        self,
        outputs: Float[Tensor, "rows scores"],
        known: Shaped[Tensor, "rows ..."],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """The scores."""
        return dict(zip(self.names, outputs.double().mean(dim=0).tolist(), strict=True))


def confusion(
    outputs: Float[Tensor, "rows classes"], known: Int[Tensor, " rows"], classes: int
) -> Int[Tensor, "true found"]:
    """How many rows of every true class were given every class.

    Example:
        >>> confusion(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([1, 1]), 2).tolist()
        [[0, 0], [1, 1]]
    """
    cell = known.long().cpu() * classes + outputs.argmax(dim=1).cpu()
    return torch.bincount(cell, minlength=classes * classes).view(classes, classes)


def _rank(outputs: Tensor, known: Tensor) -> float:
    there = ~known.isnan()
    x, y = outputs[there].numpy(), known[there].numpy()
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(spearmanr(x, y).statistic)

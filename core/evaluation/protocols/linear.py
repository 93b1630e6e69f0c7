"""Linear probes: of items at several shares of the labels, and of elements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

from jaxtyping import Float, Int
from torch import Tensor

from ...components.ranges import Positive, PositiveShare, check_ranges
from ...methods.targets import AbstractTarget, Values
from ..fractions import label_fraction
from ..probe import probe_outputs
from ..splitting import Split
from .base import (
    AbstractProtocol,
    Answer,
    EvaluationData,
    LabelledVectors,
    NotApplicableError,
    answer,
    elements_of,
    items_of,
    measure_of,
    over_splits,
    share_named,
)


@final
@dataclass(frozen=True)
class LinearProbe(AbstractProtocol):
    """A linear head on frozen vectors, trained on shares of the labels.

    W minimises Σ loss + λ/2 ‖W‖² on vectors standardised by the training rows (`probe`): logistic regression for
    classes, ridge regression for values. The optimum is found, so there is no learning rate to choose.

    Args:
        shares: of the training labels, drawn evenly over classes (or values); each a variant, together a curve.
        penalty: λ.
    """

    shares: tuple[PositiveShare, ...] = (0.01, 0.1, 1.0)
    penalty: Positive = 1.0
    title: ClassVar[str] = "linear probe"
    of: ClassVar[Literal["items", "elements", "masked"]] = "items"

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        check_ranges(self)
        if not self.shares:
            raise ValueError("shares must be one number at least, got none")

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One for every share."""
        rows = items_of(data)
        return [_at_share(rows, share, self.penalty, data.seed) for share in self.shares]


@final
@dataclass(frozen=True)
class DenseProbe(AbstractProtocol):
    """A linear head on frozen vectors of elements, against the classes of masks or of elements.

    The protocol of semantic segmentation with a 1 × 1 convolution, for any elements: cells, frames, words, atoms. What
    lies in no mask is a class of its own. Elements of one file are on one side.

    Args:
        penalty: λ; see `LinearProbe`.
    """

    penalty: Positive = 1.0
    title: ClassVar[str] = "dense probe"
    of: ClassVar[Literal["items", "elements", "masked"]] = "elements"

    def __post_init__(self) -> None:
        check_ranges(self)

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One."""
        return [_at_share(elements_of(data), 1.0, self.penalty, data.seed, "")]


def kept_rows(rows: LabelledVectors, split: Split, share: float, seed: int) -> Int[Tensor, " kept"]:
    """A share of the training rows of a split, evenly over classes or values."""
    known = rows.known[split.train]
    if known.ndim > 1:
        known = known.double().flatten(1).nanmean(dim=1)
    return split.train if share == 1 else split.train[label_fraction(known, share, seed)]


def _at_share(rows: LabelledVectors, share: float, penalty: float, seed: int, variant: str | None = None) -> Answer:
    def one(split: Split) -> Float[Tensor, "draws test outputs"]:
        train = kept_rows(rows, split, share, seed)
        target, outputs = probe_outputs(rows.vectors, rows.target, rows.known, train, split.test, penalty)
        return in_units_of(rows.target, target, outputs)[None]

    name = share_named(share) if variant is None else variant
    return answer(rows, name, over_splits(rows, one), measure_of(rows.target), share=share)


def in_units_of(
    target: AbstractTarget, own: AbstractTarget, outputs: Float[Tensor, "rows outputs"]
) -> Float[Tensor, "rows outputs"]:
    """Outputs for a target that was standardised by a split's training rows, as outputs for the target itself.

    Raises:
        NotApplicableError: for a target with units that is none of values.
    """
    if own == target:
        return outputs
    if not isinstance(target, Values):
        raise NotApplicableError("needs classes or values; rows of several splits have other units each")
    return own.decode(outputs.double())

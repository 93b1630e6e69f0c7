"""What an evaluation protocol is given, and what it answers."""

import abc
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ...data.feature_map import FeatureMap
from ...data.masks import ItemMasks
from ...methods.targets import AbstractTarget, Classes, Values
from ...modality.transform import AbstractTransform
from ...networks.encoder import AbstractEncoder
from ..measures import AbstractMeasure, ClassMeasure, TargetMeasure, ValueMeasure
from ..splitting import Split

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class LabelledVectors:
    """Frozen vectors of items, or of elements, and what is known of each.

    Attributes:
        vectors: one row each.
        target: what is known.
        known: it, in the target's form; of every row something is known.
        groups: rows of one group (the windows of a recording) are on one side of a split, and resampled together.
        splits: one, or the folds of a cross-validation.
        index: the number of every row's item in the data set.
    """

    vectors: Float[Tensor, "rows dim"]
    target: AbstractTarget
    known: Shaped[Tensor, "rows ..."]
    groups: Int[Tensor, " rows"]
    splits: tuple[Split, ...]
    index: Int[Tensor, " rows"]

    def tested(self) -> Int[Tensor, " tested"]:
        """The rows that are asked about, in the order of the splits."""
        return torch.cat([split.test for split in self.splits])


@final
@dataclass(frozen=True)
class ItemSource(Generic[ItemT]):
    """The items themselves, for protocols that need more than vectors.

    Attributes:
        read: an item by its number in the data set.
        collate: the modality's.
        encoder: what is judged.
        pool: from features to one vector per item.
        view: what makes a view of an item, as in training.
        transforms: every transform of the modality by its name.
    """

    read: Callable[[int], ItemT]
    collate: Callable[[Sequence[ItemT]], Any]
    encoder: AbstractEncoder
    pool: Callable[[FeatureMap], Float[Tensor, "items dim"]]
    view: AbstractTransform[ItemT]
    transforms: Mapping[str, AbstractTransform[ItemT]]


@final
@dataclass(frozen=True)
class MaskedFeatures:
    """The features of one item (a batch of one), its masks, and its group."""

    features: FeatureMap
    masks: ItemMasks
    group: int


@final
@dataclass(frozen=True)
class EvaluationData(Generic[ItemT]):
    """Everything that protocols may ask for; None where there is none.

    Attributes:
        items: vectors of labelled items.
        elements: vectors of labelled elements, a sample of them.
        masked: the items with masks, one after the other, as often as it is called.
        source: the items themselves.
        seed: of everything random.
    """

    items: LabelledVectors | None = None
    elements: LabelledVectors | None = None
    masked: Callable[[], Iterable[MaskedFeatures]] | None = None
    source: ItemSource[ItemT] | None = None
    seed: int = 0


@final
@dataclass(frozen=True)
class Answer:
    """What a protocol says of rows, and how it is scored.

    Attributes:
        variant: of the protocol: "20 neighbours", "1 % of the labels"; nothing where there is one alone.
        outputs: for every draw (of labelled examples, of a start) what is said of every row.
        known: the truth.
        groups: of the rows.
        measure: the scores.
        note: what was done otherwise than asked.
        share: of the training labels that were used, for curves; NaN where no share was asked for.
    """

    variant: str
    outputs: Float[Tensor, "draws rows outputs"]
    known: Shaped[Tensor, "rows ..."]
    groups: Int[Tensor, " rows"]
    measure: AbstractMeasure
    note: str = ""
    share: float = math.nan


@final
class NotApplicableError(ValueError):
    """A protocol that the data do not allow, and what they lack."""


class AbstractProtocol(abc.ABC):
    """A way to judge an encoder by labelled data. An entry point in the group `gestalt.protocols` gives it a name.

    Attributes:
        title: in tables.
        of: what it is given: vectors of items, vectors of elements, or items with masks.
    """

    title: ClassVar[str]
    of: ClassVar[Literal["items", "elements", "masked"]]

    @abc.abstractmethod
    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:
        """One answer for every variant.

        Raises:
            NotApplicableError: if the data do not allow the protocol.
        """


def items_of(data: EvaluationData[Any]) -> LabelledVectors:
    """The labelled items.

    Raises:
        NotApplicableError: if there are none.
    """
    if data.items is None:
        raise NotApplicableError("needs labels of items (--labels, --label-column)")
    return data.items


def elements_of(data: EvaluationData[Any]) -> LabelledVectors:
    """The labelled elements.

    Raises:
        NotApplicableError: if there are none.
    """
    if data.elements is None:
        raise NotApplicableError("needs labels of elements: masks that come with the data (--masks)")
    return data.elements


def classes_of(rows: LabelledVectors) -> Classes:
    """The classes of the rows.

    Raises:
        NotApplicableError: if they are labelled otherwise.
    """
    if not isinstance(rows.target, Classes):
        raise NotApplicableError("needs classes, not values (--label-kind class)")
    return rows.target


def measure_of(target: AbstractTarget, probabilities: bool = True) -> AbstractMeasure:
    """How a target's outputs are scored."""
    if isinstance(target, Classes):
        return ClassMeasure(probabilities)
    return ValueMeasure(target) if isinstance(target, Values) else TargetMeasure(target)


def over_splits(
    rows: LabelledVectors, one: Callable[[Split], Float[Tensor, "draws test outputs"]]
) -> Float[Tensor, "draws tested outputs"]:
    """What is said of the tested rows of all splits, each learned from its own training rows."""
    return torch.cat([one(split).cpu().double() for split in rows.splits], dim=1)


def answer(
    rows: LabelledVectors,
    variant: str,
    outputs: Float[Tensor, "draws tested outputs"],
    measure: AbstractMeasure,
    note: str = "",
    share: float = math.nan,
) -> Answer:
    """The answer about all tested rows."""
    tested = rows.tested()
    return Answer(variant, outputs, rows.known[tested].cpu(), rows.groups[tested].cpu(), measure, note, share)


def share_named(share: float) -> str:
    """A share of the labels in words.

    Example:
        >>> share_named(0.01), share_named(1.0)
        ('1 % of the labels', 'all labels')
    """
    return "all labels" if share == 1 else f"{100 * share:g} % of the labels"

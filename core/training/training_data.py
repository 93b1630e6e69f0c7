"""What a training learns from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

from torch import Tensor

from ..data.items import AbstractItems
from ..data.masks import AbstractMasks
from ..modality.transform import Views
from .labels import Labels
from .transplanting import ObjectTransplants

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class TrainingData(Generic[ItemT]):
    """Items, their views, and what comes with them.

    Attributes:
        items: to learn from.
        views: which views of them are compared.
        collate: of the modality.
        skip_bad: leave out items that cannot be read, and list them, rather than stop.
        labels: what the learner may know of the items.
        masks: the objects that come with them.
        transplants: set objects of one item into another.
        computing: computes the targets of an item, whose name it is told.
    """

    items: AbstractItems[ItemT]
    views: Views[ItemT]
    collate: Callable[[Sequence[ItemT]], Any]
    skip_bad: bool = False
    labels: Labels | None = None
    masks: AbstractMasks[ItemT] | None = None
    transplants: ObjectTransplants[ItemT] | None = None
    computing: Callable[[ItemT, str], Tensor] | None = None

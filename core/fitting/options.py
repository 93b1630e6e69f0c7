"""The options of a fit."""

from dataclasses import dataclass
from typing import Annotated, Literal, final

from ..components.ranges import Between, Count, CountOrNone, Weight, check_ranges
from .task import Balance

Grouping = Literal["whole", "file", "item"]


@final
@dataclass(frozen=True)
class Fitting:
    """What is fitted, to what, and how it is held out."""

    of: Literal["auto", "items", "elements", "objects"] = "auto"
    """What the labels are of: items, their elements, discovered objects; auto: elements where --masks or trees are
    given."""
    label_column: str | None = None
    """Column of the labels; the one called label, or the only one that names no items."""
    label_kind: Literal["class", "value", "several", "tree", "pair"] = "class"
    """Classes, values, several labels at once with semicolons between them, trees of elements (CoNLL-U), or pairs: two
    names and 1 or 0, or a number, in every row."""
    pair_parts: tuple[str, ...] = ()
    """Of pairs of items with parts: the part of the first and that of the second that are compared."""
    rest: Literal["none", "unlabelled"] = "none"
    """What lies in no mask of an item with masks: a class of its own, or nothing that is known."""
    balance: Balance = "none"
    """For classes that are rarer than others: their rows weigh more, or are drawn more often."""
    group: Grouping = "whole"
    """What is held out together: the windows of a whole; all items of a file; each item by itself."""
    group_column: str | None = None
    """Column of the labels' table (or of the data's records) that says which items are held out together: speaker,
    patient, scaffold."""
    folds: Annotated[int, Between(2, 100)] = 5
    """Parts that are held out in turn."""
    unknown: Annotated[float, Between(0.0, 0.5)] = 0.05
    """Share of held-out rows that may be called unknown, which sets how far is too far; 0: nothing is."""
    sure: Annotated[float, Between(0.5, 1.0, open_above=True)] = 0.9
    """Share of held-out values that lie within the margins that `predict` gives beside values."""
    sums: bool = False
    """An item is the mean of its elements and their sum, where it matters how large it is."""
    elements: Count = 20_000
    """Elements that are learned from, evenly over the items."""
    most: CountOrNone = 0
    """Labelled items that are used, drawn by chance; 0 for all."""
    tune: CountOrNone = 0
    """Steps of training encoder and head together, from the fitted head on; 0 leaves the encoder as it is."""
    tune_lr: Annotated[float, Between(0.0, 1.0, open_below=True)] = 3e-4
    """Learning rate of that training."""
    tune_slower: Annotated[float, Between(0.0, 1.0, open_below=True)] = 0.7
    """Rate of an encoder's top layer as a share of the head's, of the layer below as a share of that, and so on."""
    tune_batch: Count = 16
    """Items of a step of that training."""
    weight_decay: Weight = 1e-2
    """Of that training."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        check_ranges(self)

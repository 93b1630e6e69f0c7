"""The options of an evaluation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, final

from ..components.ranges import Between, Count, CountOrNone, Share, check_ranges

By = Literal["whole", "file", "item"]


@final
@dataclass(frozen=True)
class Evaluating:
    """How an evaluation is made."""

    folds: Annotated[int, Between(2, 1000)] = 5
    """Parts of the cross-validation, each tested once; not used where a test set is named."""
    group: By = "whole"
    """What stays on one side, and is resampled together: the windows of a whole; all items of a file; nothing."""
    test: tuple[Path, ...] = ()
    """Files and folders of the test set; all other items are learned from."""
    split: Path | None = None
    """A table that names items, with a column that says train or test."""
    label_column: str | None = None
    """Column of the labels; the one called label, or the only one that names no items."""
    label_kind: Literal["class", "value", "several"] = "class"
    """Classes, values, or several labels at once with semicolons between them; a model knows it by itself."""
    most: CountOrNone = 0
    """Labelled items that take part, drawn by chance; 0 for all."""
    elements: Count = 20_000
    """Elements that dense protocols see, evenly over the items."""
    sums: bool = False
    """An item is the mean of its elements and their sum, where it matters how large it is."""
    error_rate: Share = 0.01
    """Of pairs: the share of pairs of different things that may be taken for the same; a threshold is chosen by it."""
    resamples: CountOrNone = 1000
    """Of the bootstrap over groups, for confidence intervals; 0 for none."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.test and self.split is not None:
            raise ValueError("the test set is named by --test or by --split, not by both")

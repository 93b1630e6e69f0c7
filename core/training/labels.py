"""Labels of some items: from the names of folders, or from whoever knows them; tables are read in `label_table`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from ..data.items import AbstractItems
from ..methods.targets import AbstractTarget, Classes, Values, any_known
from .label_names import file_of_name


@final
@dataclass(frozen=True)
class Labels:
    """What is known of the items of a data set, or of their elements.

    Attributes:
        target: what it is: classes, values, several labels at once, trees.
        known: in the target's own form, for every item: integers with −1, or numbers with NaN, for what is not known.
        note: what was not used of the table that they are from, in a line.
        said: which column of the table they are where that is not clear, and which classes are likely one, in a line.

    Example:
        >>> labels = Labels.of(["cat", None, "dog", "cat"])
        >>> labels.target, labels.known.tolist(), labels.known_items().tolist()
        (Classes(names=('cat', 'dog')), [0, -1, 1, 0], [0, 2, 3])
    """

    target: AbstractTarget
    known: Shaped[Tensor, "items ..."]
    note: str = ""
    said: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.target, Classes) and self.known.numel() and int(self.known.max()) >= len(self.target.names):
            raise ValueError(f"{len(self.target.names)} classes have names, got class number {int(self.known.max())}")

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> "Labels":
        """Classes from their names, numbered in alphabetical order; None is unknown.

        Raises:
            ValueError: if no item is labelled.
        """
        names = tuple(sorted({text for text in texts if text is not None}))
        number = {name: place for place, name in enumerate(names)}
        known = torch.tensor([-1 if text is None else number[text] for text in texts], dtype=torch.long)
        return cls(Classes(names), known)

    @classmethod
    def of_elements(cls, rows: Sequence[Sequence[str | None] | None]) -> "Labels":
        """Classes of the elements of every item, from their names; None is unknown, for an element or a whole item.

        Example:
            >>> Labels.of_elements([["noun", None], None, ["noun", "verb", "noun"]]).known.tolist()
            [[0, -1, -1], [-1, -1, -1], [0, 1, 0]]
        """
        longest = max((len(row) for row in rows if row is not None), default=0)
        flat = [text for row in rows for text in [*(row or ()), *[None] * (longest - len(row or ()))]]
        labels = cls.of(flat)
        return cls(labels.target, labels.known.view(len(rows), longest))

    @classmethod
    def of_values(cls, values: Sequence[float | None], name: str = "value") -> "Labels":
        """One value per item; None is unknown."""
        floats = torch.tensor([math.nan if value is None else value for value in values])
        return cls(Values((name,)), floats[:, None])

    def known_items(self) -> Int[Tensor, " labelled"]:
        """The numbers of the items of which anything is known."""
        return any_known(self.known).nonzero()[:, 0]

    def keeping(self, rows: Int[Tensor, " kept"]) -> "Labels":
        """The same labels, hidden for all items but these: what a learner may see of them."""
        known = torch.full_like(self.known, math.nan if self.known.is_floating_point() else -1)
        known[rows] = self.known[rows]
        return Labels(self.target, known, self.note, self.said)


def folder_labels(items: AbstractItems[Any]) -> Labels:
    """The class of an item is the name of the folder in which its file lies.

    Raises:
        ValueError: if all items lie in one folder.
    """
    texts = [Path(file_of_name(items.name(index))).parent.name for index in range(len(items))]
    if len(set(texts)) < 2:
        raise ValueError(
            f"all items lie in one folder, {texts[0]!r}, so folders tell no classes; "
            "sort the files into folders by class, or give a table with --labels"
        )
    return Labels.of(texts)

"""The classes of masks: the names of their objects."""

from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from ..data.masks import ItemMasks
from ..methods.targets import Classes

NONE = "none"
"""The class of what lies in no mask."""


@final
class MaskClasses:
    """Classes that are numbered as they come, and put in the order of their names when all are known.

    A mask's class is the name of its object. Where masks have no names, it is the object's number, as in index masks
    of classes; numbers that tell instances apart are no classes, so that whoever has such masks should name them.

    Example:
        >>> classes, masks = MaskClasses(), ItemMasks(torch.tensor([-1, 0, 1]), None, ("dog", "cat"))
        >>> target, known = classes.sorted(classes.of(masks, masks.labels))
        >>> target.names, known.tolist()
        (('cat', 'dog', 'none'), [2, 1, 0])
    """

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, masks: ItemMasks, labels: Int[Tensor, " elements"]) -> Int[Tensor, " elements"]:
        """The class of every element of one item, by what its masks say of it (−1: none)."""
        classes = torch.empty_like(labels, dtype=torch.long)
        for number in labels.unique().tolist():
            name = NONE if number < 0 else masks.name(number)
            classes[labels == number] = self.numbers.setdefault(name, len(self.numbers))
        return classes

    def sorted(self, classes: Int[Tensor, " elements"]) -> tuple[Classes, Int[Tensor, " elements"]]:
        """All classes in the order of their names, and elements renumbered."""
        names = tuple(sorted(self.numbers))
        place = torch.empty(len(names), dtype=torch.long)
        for number, name in enumerate(names):
            place[self.numbers[name]] = number
        return Classes(names), place[classes]

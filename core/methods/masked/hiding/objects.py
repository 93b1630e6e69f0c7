"""Whole objects."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch

from ....components.ranges import PartialShare, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden
from .share import first_units, of_elements


@final
@dataclass(frozen=True)
class HiddenObjects(AbstractHiding):
    """Whole objects, one after the other in a random order, until a share of the elements is hidden.

    What is hidden then cannot be guessed from the rest of the same object. Elements of no object are hidden one by one,
    as those of an item are that is one object throughout.

    Source: ours.
    """

    share: PartialShare = 0.5
    """Of an item's elements, to within half an object."""
    objects: Literal["given", "discovered"] = "given"
    """Masks that come with the data, or the recipe's first segments; or objects that the network itself finds."""

    across_parts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:
        """The elements of the chosen objects.

        Raises:
            ValueError: if there are no objects.
        """
        if objects is None:
            raise ValueError("whole objects can only be hidden where there are objects, and none are given")
        own = torch.arange(tokens.valid.shape[1], device=tokens.valid.device).expand_as(tokens.valid)
        labels = objects.labels()
        # An object is numbered by its first element, so that elements of no object keep their own numbers.
        same = (labels[:, None] == labels[:, :, None]) & tokens.valid[:, None]
        beginning = same.to(torch.uint8).argmax(dim=2)
        units = torch.where((labels < 0) | objects.whole[:, None], own, beginning)
        hidden = first_units(units, of_elements(noise, tokens.valid), tokens.valid, self.share)
        return Hidden.all_at_once(hidden, tokens)

"""Regions, whatever the elements are."""

from dataclasses import dataclass
from typing import final

from ....components.ranges import Count, PartialShare, Positive, check_ordered, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden
from .nearness import together
from .share import first, wanted


@final
@dataclass(frozen=True)
class Together(AbstractHiding):
    """Elements that lie together: blocks of a grid, subgraphs where neighbours are known, spans of any other set.

    For methods that hide regions on every modality.
    """

    share: PartialShare = 0.6
    """Of an item's elements."""
    regions: Count = 4
    """How many; they may overlap."""
    aspect: tuple[Positive, Positive] = (0.3, 3.3)
    """On a grid, between which ratios the sides of a block are to one another."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "aspect")

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """The elements that are nearest to the middles of the regions."""
        distance = together(tokens, noise, self.regions, self.aspect).amin(dim=1)
        return Hidden.all_at_once(first(-distance, tokens.valid, wanted(tokens.valid, self.share)), tokens)

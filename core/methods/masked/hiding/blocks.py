"""Boxes of a grid."""

from dataclasses import dataclass
from typing import final

from ....components.ranges import Count, PartialShare, Positive, check_ordered, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden
from .nearness import in_boxes
from .share import first, wanted


@final
@dataclass(frozen=True)
class Blocks(AbstractHiding):
    """Boxes of cells around random middles, which grow together until a share of the elements is hidden.

    Source: BEiT and I-JEPA hide blocks; theirs are drawn one by one until there are enough, these meet the share.
    """

    share: PartialShare = 0.6
    """Of an item's elements."""
    blocks: Count = 4
    """How many; they may overlap."""
    aspect: tuple[Positive, Positive] = (0.3, 3.3)
    """Between which ratios the sides of a block are to one another."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "aspect")

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """The elements that lie in the boxes.

        Raises:
            ValueError: if the elements are no grid.
        """
        distance = in_boxes(tokens, noise, self.blocks, self.aspect).amin(dim=1)
        return Hidden.all_at_once(first(-distance, tokens.valid, wanted(tokens.valid, self.share)), tokens)

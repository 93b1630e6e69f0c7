"""Parts of a graph that hang together."""

from dataclasses import dataclass
from typing import final

from ....components.ranges import Count, PartialShare, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden
from .nearness import over_neighbours
from .share import first, wanted


@final
@dataclass(frozen=True)
class Subgraphs(AbstractHiding):
    """Random nodes and those around them, hop by hop, until a share of the elements is hidden."""

    share: PartialShare = 0.5
    """Of an item's elements."""
    subgraphs: Count = 2
    """How many; they may overlap."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """The elements that are near the middles.

        Raises:
            ValueError: if nothing is known of neighbours.
        """
        distance = over_neighbours(tokens, noise, self.subgraphs).amin(dim=1)
        return Hidden.all_at_once(first(-distance, tokens.valid, wanted(tokens.valid, self.share)), tokens)

"""The same cells at all times."""

from dataclasses import dataclass
from typing import final

import torch

from ....components.ranges import PartialShare, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden
from .share import first_units, of_elements


@final
@dataclass(frozen=True)
class Tubes(AbstractHiding):
    """Cells along all axes but the first, each hidden everywhere along the first: what stands still cannot be copied
    from another frame.

    Source: VideoMAE: 90 %.
    """

    share: PartialShare = 0.9
    """Of an item's elements."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """Whole tubes, to within half of one.

        Raises:
            ValueError: if the elements do not lie on several axes.
        """
        if tokens.grid is None or len(tokens.grid.shape) < 2:
            raise ValueError(
                "tubes need elements along two or more axes; take spans or together, which suits all, in their place"
            )
        across = tokens.grid.elements // tokens.grid.shape[0]
        units = torch.arange(tokens.grid.elements, device=tokens.valid.device) % across
        noisy = of_elements(noise, tokens.valid)
        hidden = first_units(units.expand_as(tokens.valid), noisy, tokens.valid, self.share)
        return Hidden.all_at_once(hidden, tokens)

"""Every element on its own."""

from dataclasses import dataclass
from typing import ClassVar, final

from ....components.ranges import PartialShare, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden
from .share import first, of_elements, wanted


@final
@dataclass(frozen=True)
class AtRandom(AbstractHiding):
    """A share of the elements, each as likely as any other.

    Source: MAE: 75 %.

    Example:
        >>> import torch
        >>> tokens = FeatureMap(torch.zeros(1, 8, 2), torch.ones(1, 8, dtype=torch.bool))
        >>> noise = ItemNoise.of(torch.tensor([0]), torch.Generator().manual_seed(0))
        >>> int(AtRandom(0.75).hidden(tokens, noise, None).visible.sum())
        2
    """

    share: PartialShare = 0.75
    """Of an item's elements."""

    across_parts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """Those of the highest random numbers."""
        count = wanted(tokens.valid, self.share)
        return Hidden.all_at_once(first(of_elements(noise, tokens.valid), tokens.valid, count), tokens)

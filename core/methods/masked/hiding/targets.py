"""Several target regions, predicted one at a time from a context."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ....components.ranges import Count, PartialShare, Positive, PositiveShare, check_ordered, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden
from .nearness import together
from .share import first, of_elements, wanted


@final
@dataclass(frozen=True)
class TargetRegions(AbstractHiding):
    """Target regions, and a context: one large region less all targets. Blocks of a grid, subgraphs, or spans.

    At least one element stays visible, whatever the targets cover.

    Source: I-JEPA: 4 targets of 15 to 20 % with sides of 0.75 to 1.5, a context of 85 to 100 %. There sizes are drawn
    once for a batch; here for every item.
    """

    targets: Count = 4
    """How many; they may overlap."""
    share: tuple[PartialShare, PartialShare] = (0.15, 0.2)
    """Between which shares of an item's elements each target is."""
    context: tuple[PositiveShare, PositiveShare] = (0.85, 1.0)
    """Between which shares of an item's elements the context is, before the targets are taken out of it."""
    aspect: tuple[Positive, Positive] = (0.75, 1.5)
    """On a grid, between which ratios the sides of a target are to one another; the context is as long as wide."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "share")
        check_ordered(self, "context")
        check_ordered(self, "aspect")

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """The targets as groups, and the context without them."""
        near = together(tokens, noise.other(0), self.targets, self.aspect)
        sizes = noise.other(1).uniform(self.targets + 1)
        targets = [
            self._region(near[:, place], tokens.valid, self.share, sizes[:, place]) for place in range(self.targets)
        ]
        groups = torch.stack(targets, dim=1)
        around = together(tokens, noise.other(2), 1, (1.0, 1.0))[:, 0]
        low, high = self.context
        # A context may be the whole item, which a target may not.
        share = low + (high - low) * sizes[:, -1]
        count = (share * tokens.valid.sum(dim=1) + 0.5).floor().long().clamp(min=1)
        visible = first(-around, tokens.valid, count) & ~groups.any(dim=1)
        rest = torch.where(groups.any(dim=1), 0.0, 1.0) + of_elements(noise.other(3), tokens.valid)
        saved = first(rest, tokens.valid, torch.ones_like(count)) & ~visible.any(dim=1, keepdim=True)
        return Hidden(visible | saved, groups & ~saved[:, None])

    def _region(
        self,
        distance: Float[Tensor, "batch elements"],
        valid: Bool[Tensor, "batch elements"],
        shares: tuple[float, float],
        drawn: Float[Tensor, " batch"],
    ) -> Bool[Tensor, "batch elements"]:
        """The nearest elements of one region, a drawn share of them."""
        low, high = (wanted(valid, share) for share in shares)
        count = (low + (high - low + 1) * drawn).floor().long()
        return first(-distance, valid, torch.minimum(count, high))

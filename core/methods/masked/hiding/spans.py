"""Stretches of a sequence."""

from dataclasses import dataclass
from typing import final

import torch

from ....components.ranges import Count, PartialShare, check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.segmentation import Segmentation
from ....networks.places import coordinates
from .base import AbstractHiding, Hidden
from .nearness import in_order
from .share import first_units


@final
@dataclass(frozen=True)
class Spans(AbstractHiding):
    """Stretches along the first axis of a grid, with all that lies across it, or in the order of a set.

    They grow together around random middles until a share of the elements is hidden, to within half of what lies at
    one place of the axis.

    Source: SpanBERT, wav2vec 2.0.
    """

    share: PartialShare = 0.5
    """Of an item's elements."""
    spans: Count = 4
    """How many; they may overlap."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """The elements that lie in the stretches."""
        distance = in_order(tokens, noise, self.spans).amin(dim=1)
        places = coordinates(tokens) if tokens.grid is not None else None
        if places is None:
            units = torch.arange(tokens.valid.shape[1], device=tokens.valid.device)
        else:
            units = places[0, :, 0].long()
        hidden = first_units(units.expand_as(tokens.valid), -distance, tokens.valid, self.share)
        return Hidden.all_at_once(hidden, tokens)

"""Whole parts of joint items."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch

from ....components.names import choose
from ....components.ranges import check_ranges
from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.places import parts_in
from ....data.segmentation import Segmentation
from .base import AbstractHiding, Hidden


@final
@dataclass(frozen=True)
class HiddenParts(AbstractHiding):
    """Whole parts: the sound of a clip is predicted from its picture, and the reverse.

    An item that has one part alone, or would lose all that it has, is left as it is.

    Source: ours; MultiMAE hides patches of all its modalities.
    """

    parts: tuple[str, ...] = ()
    """Which; none: one part of every item at random."""

    across_parts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:  # noqa: ARG002
        """The elements of these parts.

        Raises:
            ValueError: if the items have no parts, or none of a name.
        """
        places = parts_in(tokens.places)
        names = [choose("part", name, list(places.names)) for name in self.parts]
        owner = places.owner().to(tokens.valid.device)
        every = torch.arange(len(places.names), device=tokens.valid.device)
        has = ((owner == every[:, None])[None] & tokens.valid[:, None]).any(dim=2)
        if names:
            named = torch.tensor([name in names for name in places.names], device=tokens.valid.device)
            chosen = has & named
        else:
            drawn = torch.where(has, noise.uniform(len(every)), -1.0).argmax(dim=1)
            chosen = has & (every == drawn[:, None])
        chosen = chosen & (has & ~chosen).any(dim=1, keepdim=True)
        return Hidden.all_at_once(chosen[:, owner] & tokens.valid, tokens)

"""The interface of every way to hide elements, and what it gives."""

import abc
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool
from torch import Tensor

from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
from ....data.parts import segmentation_of
from ....data.places import Parts
from ....data.segmentation import Segmentation


@final
@dataclass(frozen=True)
class Hidden:
    """Which elements the network sees, and which are predicted: in groups, one at a time.

    An element of a group is never visible. What is neither is seen by nobody and predicted by nobody.
    """

    visible: Bool[Tensor, "batch elements"]
    groups: Bool[Tensor, "batch groups elements"]

    @classmethod
    def all_at_once(cls, hidden: Bool[Tensor, "batch elements"], tokens: FeatureMap) -> "Hidden":
        """All hidden elements are one group; all others are visible."""
        return cls(tokens.valid & ~hidden, hidden[:, None])


class AbstractHiding(abc.ABC):
    """Decides which elements of every item are hidden: a share of them, never all and never none.

    An item of a single element is left as it is, and nothing of it is predicted. What is hidden depends on the item's
    own random numbers alone, and not on the padding of its batch.

    Attributes:
        across_parts: whether elements of several parts are taken as they come; otherwise each part is for itself, as if
            it were the whole item (`hide`).
    """

    across_parts: ClassVar[bool] = False

    @abc.abstractmethod
    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:
        """What is hidden of every item. `objects` are those of the view, where there are any."""


def hide(hiding: AbstractHiding, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:
    """What is hidden of every item; of joint items part by part, unless the way to hide knows of parts.

    Group k is then that of all parts: a region in each.
    """
    if hiding.across_parts or not isinstance(tokens.places, Parts):
        return hiding.hidden(tokens, noise, objects)
    found = [
        hiding.hidden(
            tokens.part(name), noise.other(number), None if objects is None else segmentation_of(objects, name)
        )
        for number, (name, cells) in enumerate(zip(tokens.places.names, tokens.places.cells, strict=True))
        if cells
    ]
    return Hidden(torch.cat([part.visible for part in found], dim=1), torch.cat([part.groups for part in found], dim=2))

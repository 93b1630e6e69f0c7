"""The interface of every way to hide elements, and what it gives."""

import abc
from dataclasses import dataclass
from typing import final

from jaxtyping import Bool
from torch import Tensor

from ....data.feature_map import FeatureMap
from ....data.item_noise import ItemNoise
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
    """

    @abc.abstractmethod
    def hidden(self, tokens: FeatureMap, noise: ItemNoise, objects: Segmentation | None) -> Hidden:
        """What is hidden of every item. `objects` are those of the view, where there are any."""

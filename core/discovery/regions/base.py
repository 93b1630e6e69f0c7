"""The interface of every over-segmentation."""

import abc
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...data.course import Course
from ...data.feature_map import FeatureMap, Grid


@final
@dataclass(frozen=True)
class FineSegments:
    """The fine segment of every element, −1 for none, on a lattice of its own or that of the features."""

    labels: Int[Tensor, "batch elements"]
    grid: Grid | None

    @property
    def count(self) -> int:
        """Greatest number of segments of an item, at least one."""
        return max(1, int(self.labels.max()) + 1) if self.labels.numel() else 1


Seen = Float[Tensor, "batch elements numbers"] | FineSegments
"""What an over-segmentation knows of items themselves: numbers for every element, or their fine segments at once."""


class AbstractOverSegmentation(abc.ABC):
    """Cuts items into many small segments whose borders are those of the data.

    It looks at the items themselves first, and cuts later: the windows of something long are looked at one by one, and
    cut together.
    """

    @abc.abstractmethod
    def look(self, data: Any, features: FeatureMap) -> Seen | None:
        """What it needs to know of the batch `data`, whose learned features are `features`; None for nothing.

        Numbers are those of the elements of the features. Fine segments may lie on a finer lattice; what is looked at
        in windows cannot be put together then.
        """

    @abc.abstractmethod
    def cut(
        self, features: FeatureMap, seen: Seen | None, generator: torch.Generator, window: int | Course | None = None
    ) -> FineSegments:
        """The fine segments; `seen` is what `look` gave for these elements.

        Args:
            features: the learned features.
            seen: of the same items.
            generator: the only source of randomness.
            window: for one item of any length, elements of the windows that it came in.
        """

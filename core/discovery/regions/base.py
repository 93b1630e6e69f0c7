"""The interface of every over-segmentation."""

import abc
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

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


class AbstractOverSegmentation(abc.ABC):
    """Cuts items into many small segments whose borders are those of the data."""

    @abc.abstractmethod
    def __call__(self, features: FeatureMap, data: Any, generator: torch.Generator) -> FineSegments:
        """The fine segments of a batch: `features` are the learned ones of the batch `data`.

        `generator` is the only source of randomness. The result may lie on a finer lattice than the features.
        """

"""The interface of every grouper."""

import abc

import torch
from torch import nn

from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation


class AbstractGrouper(nn.Module, abc.ABC):
    """Feature map → segmentation. Padding and the order of elements have no influence."""

    @abc.abstractmethod
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """The segmentation of every item; `generator` is the only source of randomness."""

"""The interface of every grouper."""

import abc
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from ...data.course import Course
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation


class AbstractGrouper(nn.Module, abc.ABC):
    """Feature map → segmentation. Padding and the order of elements have no influence."""

    @abc.abstractmethod
    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        """The segmentation of every item; `generator` is the only source of randomness."""


@runtime_checkable
class GroupsLong(Protocol):
    """A grouper that itself takes an item of any length, in memory that grows no faster than the item.

    Others group long items in overlapping pieces (`group_long`).
    """

    def group_long(self, features: FeatureMap, window: int | Course, generator: torch.Generator) -> Segmentation:
        """The segmentation of one item.

        Args:
            features: a batch of one, without padding.
            window: elements along the first axis (or of a set) for which the grouper's settings are meant: numbers of
                objects, and what one more is worth. Of an item with parts, their course, which says so in moments.
            generator: the only source of randomness.
        """
        ...

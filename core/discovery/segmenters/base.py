"""The interface of every segmenter."""

import abc
from typing import Any

import torch
from torch import nn

from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...optimization.progress import Progress


class AbstractSegmenter(nn.Module, abc.ABC):
    """Source view → segmentation, without gradient."""

    @abc.abstractmethod
    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """The segments of the source view of every item."""

    @abc.abstractmethod
    def follow(self, progress: Progress) -> None:
        """Update whatever follows the online network; called after every step."""

"""The interface of every segmenter."""

import abc
from typing import Any

import torch
from torch import nn

from ...data.segmentation import Segmentation
from ...data.view import Batch


class AbstractSegmenter(nn.Module, abc.ABC):
    """Source view → segmentation, without gradient: what is compared.

    A segmenter with state, such as a network that follows the online one, updates it in `after_step` (see `AfterStep`).
    """

    @abc.abstractmethod
    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """The segments of the source view of every item."""

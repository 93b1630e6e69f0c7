"""Every element is an object: dense learning."""

from typing import Any, final

import torch

from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...networks.follower import Follower
from ...networks.modes import evaluating
from ...optimization.progress import Progress
from .base import AbstractSegmenter


@final
class EveryElement(AbstractSegmenter):
    """One object per element of the source view; `network` only tells which elements there are."""

    def __init__(self, network: Follower) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Every valid element as an object."""
        network = self.network.network
        with evaluating(network):
            return Segmentation.every_element(network.encode(batch.source.data))

    def follow(self, progress: Progress) -> None:
        """The network follows by its rule."""
        self.network.follow(progress)

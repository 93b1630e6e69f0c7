"""The object discovery network of Odin."""

from typing import Any, Literal, final

import torch

from ..follower import Follower
from ..grouper import AbstractGrouper
from ..modes import evaluating
from ..progress import Progress
from ..segmentation import Segmentation
from ..view import Batch
from .base import AbstractSegmenter


@final
class Discovery(AbstractSegmenter):
    """Encodes the source view with a network that follows the online one, and groups the elements.

    The network runs in evaluation mode without gradient, so `MovingAverage` needs `buffers="copy"` here where the
    encoder has running statistics.

    Args:
        network: the object discovery network τ.
        grouper: finds the objects.
        space: group the projections g_τ(h), element by element, as the document does, or the hidden features h.

    Source: Odin, [0063] and [0075].
    """

    def __init__(
        self, network: Follower, grouper: AbstractGrouper, space: Literal["projected", "hidden"] = "projected"
    ) -> None:
        super().__init__()
        self.network = network
        self.grouper = grouper
        self.space = space

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """Discovered segments of every item."""
        return self.discover(batch.source.data, generator)

    def discover(self, data: Any, generator: torch.Generator) -> Segmentation:
        """The objects in a batch of untransformed items."""
        network = self.network.network
        with evaluating(network):
            features = network.encode(data)
            if self.space == "projected":
                features = network.project_elements(features)
            return self.grouper(features, generator)  # type: ignore[no-any-return]

    def follow(self, progress: Progress) -> None:
        """The discovery network follows by its rule."""
        self.network.follow(progress)

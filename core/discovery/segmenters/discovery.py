"""The object discovery network of Odin."""

from typing import Any, final

import torch

from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...networks.follower import Follower
from ...optimization.progress import Progress
from ..finder import ObjectFinder
from .base import AbstractSegmenter


@final
class Discovery(AbstractSegmenter):
    """Encodes the source view with a network that follows the online one, and finds the objects in its features.

    The network runs in evaluation mode without gradient.

    Args:
        network: the object discovery network τ.
        finder: finds the objects in its features.
        span: group only the elements of the source that one of the views shows (v0 as the part of the item that
            encompasses the views, [0074]) instead of the whole source. The network still sees what lies around them; a
            source that is itself cut is made by the modality's `Views.source`.

    Source: Odin, [0063] and [0075].
    """

    def __init__(self, network: Follower, finder: ObjectFinder, span: bool = False) -> None:
        super().__init__()
        self.network = network
        self.finder = finder
        self.span = span

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """Discovered segments of every item."""
        views = batch.views if self.span else ()
        return self.finder.discover(self.network.network, batch.source.data, generator, views)

    def follow(self, progress: Progress) -> None:
        """The discovery network follows by its rule."""
        self.network.follow(progress)

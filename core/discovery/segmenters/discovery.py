"""The object discovery network of Odin."""

from collections.abc import Sequence
from typing import Any, Protocol, final, runtime_checkable

import torch
from torch import nn

from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...networks.follower import Follower, NetworkSource
from ...optimization.after_step import AfterStep
from ...optimization.progress import Progress
from ..finder import ObjectFinder
from .base import AbstractSegmenter


@final
class Discovery(AbstractSegmenter):
    """Encodes the source view with a network that follows the online one, and finds the objects in its features.

    The network runs in evaluation mode without gradient, so a follower must copy buffers: its running statistics would
    stay those of the start.

    Args:
        source: the object discovery network τ.
        finder: finds the objects in its features.

    Raises:
        ValueError: if the network is a follower that keeps buffers of its own.

    Source: Odin, [0063] and [0075].
    """

    def __init__(self, source: NetworkSource, finder: ObjectFinder) -> None:
        super().__init__()
        if isinstance(source, Follower) and source.buffer_policy == "own":
            raise ValueError(
                "a discovery network runs in evaluation mode, with running statistics that its follower never updates: "
                'build it with Follower(online, rule, buffers="copy")'
            )
        self.source = source
        self.finder = finder
        self.plain_networks = nn.ModuleList(finder.plain_networks())  # so that they move between devices with the rest

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """Discovered segments of every item."""
        return self.finder.discover(self.source.network, batch.source.data, generator, batch.views)

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:
        """The discovery network follows by its rule, where it has one."""
        if isinstance(self.source, AfterStep):
            self.source.after_step(outputs, progress)


@runtime_checkable
class HasFinder(Protocol):
    """A segmenter that discovers: it knows how objects are found."""

    @property
    def finder(self) -> ObjectFinder:
        """How objects are found."""
        ...

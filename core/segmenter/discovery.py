"""The object discovery network of Odin."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, final

import torch

from ..beside import Beside
from ..coverage import shown
from ..encoder import Network
from ..follower import Follower
from ..foreground import AbstractForeground
from ..grouper import AbstractGrouper
from ..modes import evaluating
from ..progress import Progress
from ..segmentation import Segmentation
from ..view import Batch, View
from .base import AbstractSegmenter


def discover(
    network: Network,
    data: Any,
    grouper: AbstractGrouper,
    generator: torch.Generator,
    space: Literal["projected", "hidden"] = "projected",
    foreground: AbstractForeground | None = None,
    beside: Beside | None = None,
    views: Sequence[View[Any]] = (),
) -> Segmentation:
    """The objects that a network sees in a batch of untransformed items; it is left in the mode in which it came.

    Of an item of which `views` show anything, only the elements that one of them shows are grouped.
    """
    with evaluating(network):
        features = network.encode(data)
        if views:
            spanned = torch.stack([shown(view.correspondence, network.encode(view.data), features) for view in views])
            within = spanned.any(dim=0) | ~spanned.any(dim=0).any(dim=1, keepdim=True)
            features = replace(features, valid=features.valid & within)
        if space == "projected":
            features = network.project_elements(features)
        if beside is not None:
            features = beside(features, data)
        segmentation: Segmentation = grouper(features, generator)
        return segmentation if foreground is None else foreground(segmentation, features, data)


@final
class Discovery(AbstractSegmenter):
    """Encodes the source view with a network that follows the online one, and groups the elements.

    The network runs in evaluation mode without gradient, so `MovingAverage` needs `buffers="copy"` here where the
    encoder has running statistics.

    Args:
        network: the object discovery network τ.
        grouper: finds the objects.
        space: group the projections g_τ(h), element by element, as the document does, or the hidden features h.
        foreground: takes the background out of what was grouped, where the kind of data has one.
        beside: puts plain features beside the discovery network's for the grouper.
        span: group only the elements of the source that one of the views shows (the document's v0 as the part of the
            item that encompasses the views, [0074]) instead of the whole source. The network still sees what lies
            around them; a source that is itself cut is made by the modality's `Views.source`. Every view is encoded
            once more for it, to know its elements.

    Source: Odin, [0063] and [0075].
    """

    def __init__(
        self,
        network: Follower,
        grouper: AbstractGrouper,
        space: Literal["projected", "hidden"] = "projected",
        foreground: AbstractForeground | None = None,
        beside: Beside | None = None,
        span: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.grouper = grouper
        self.space: Literal["projected", "hidden"] = space
        self.foreground = foreground
        self.beside = beside
        self.span = span

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """Discovered segments of every item."""
        return discover(
            self.network.network,
            batch.source.data,
            self.grouper,
            generator,
            self.space,
            self.foreground,
            self.beside,
            batch.views if self.span else (),
        )

    def follow(self, progress: Progress) -> None:
        """The discovery network follows by its rule."""
        self.network.follow(progress)

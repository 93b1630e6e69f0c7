"""How objects are found among elements: the one way that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import Any, Literal, final

import torch

from ..data.segmentation import Segmentation
from ..discovery.background import AbstractBackgroundRemover
from ..discovery.concat_features import ConcatFeatures
from ..discovery.groupers import AbstractGrouper
from ..discovery.segmenters import AbstractSegmenter, Discovery, discover
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import Follower, Shared


@final
@dataclass(frozen=True)
class Finder:
    """A grouper, the features that it sees, and what is taken for background.

    Attributes:
        grouper: finds the objects.
        space: group the projections of the network, or its hidden features.
        background: takes the background out of what was grouped, where the kind of data has one.
        extra_features: puts plain features beside the network's.
        first: segments to train on until the network's own take over; None starts with the network's own.
    """

    grouper: AbstractGrouper
    space: Literal["projected", "hidden"] = "projected"
    background: AbstractBackgroundRemover | None = None
    extra_features: ConcatFeatures | None = None
    first: AbstractSegmenter | None = None

    def find(self, network: Network, data: Any, seed: int = 0) -> Segmentation:
        """The objects of a batch of untransformed items."""
        generator = torch.Generator().manual_seed(seed)
        return discover(network, data, self.grouper, generator, self.space, self.background, self.extra_features)


def plain_first(
    raw: AbstractEncoder,
    grouper: AbstractGrouper,
    background: AbstractBackgroundRemover | None = None,
    extra_features: ConcatFeatures | None = None,
) -> AbstractSegmenter:
    """First segments: groups of an encoder's own features, without any learning."""
    return Discovery(Follower(Network(raw), Shared()), grouper, "hidden", background, extra_features)

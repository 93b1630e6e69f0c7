"""How objects are found among elements: the one way that training, evaluation and discovery share."""

from dataclasses import dataclass
from typing import Any, Literal, final

import torch

from gestalt.core.beside import Beside
from gestalt.core.encoder import AbstractEncoder, Network
from gestalt.core.follower import Follower, Shared
from gestalt.core.foreground import AbstractForeground
from gestalt.core.grouper import AbstractGrouper
from gestalt.core.segmentation import Segmentation
from gestalt.core.segmenter import AbstractSegmenter, Discovery, discover


@final
@dataclass(frozen=True)
class Finder:
    """A grouper, the features that it sees, and what is taken for background.

    Attributes:
        grouper: finds the objects.
        space: group the projections of the network, or its hidden features.
        foreground: takes the background out of what was grouped, where the kind of data has one.
        beside: puts plain features beside the network's.
        first: segments to train on until the network's own take over; None starts with the network's own.
    """

    grouper: AbstractGrouper
    space: Literal["projected", "hidden"] = "projected"
    foreground: AbstractForeground | None = None
    beside: Beside | None = None
    first: AbstractSegmenter | None = None

    def find(self, network: Network, data: Any, seed: int = 0) -> Segmentation:
        """The objects of a batch of untransformed items."""
        generator = torch.Generator().manual_seed(seed)
        return discover(network, data, self.grouper, generator, self.space, self.foreground, self.beside)


def plain_first(
    raw: AbstractEncoder,
    grouper: AbstractGrouper,
    foreground: AbstractForeground | None = None,
    beside: Beside | None = None,
) -> AbstractSegmenter:
    """First segments: groups of an encoder's own features, without any learning."""
    return Discovery(Follower(Network(raw), Shared()), grouper, "hidden", foreground, beside)

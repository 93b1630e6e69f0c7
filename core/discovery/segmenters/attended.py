"""Only what a network looks at: the rest of every item belongs to no object."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...components.ranges import PositiveShare, check_ranges
from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...networks.follower import NetworkSource
from ...networks.modes import evaluating
from ...networks.two_steps import GivesAttention
from ...optimization.after_step import AfterStep
from ...optimization.progress import Progress
from .base import AbstractSegmenter


@final
class Attended(AbstractSegmenter):
    """Another segmenter's objects, less the elements that get little attention: DINO's foreground.

    The elements of highest attention, on average over heads, are kept until they hold a share of all attention.

    Args:
        segmenter: what finds the objects.
        source: whose attention is looked at; its encoder gives it (`GivesAttention`).
        share: of the attention.

    Raises:
        ValueError: if the encoder gives no attention.

    Source: Ziegler and Asano (2022, Leopart): 60 % of the attention of the last layer. There it is that of the token
    for the class, is blurred, and components of one or two patches are dropped.
    """

    def __init__(self, segmenter: AbstractSegmenter, source: NetworkSource, share: PositiveShare = 0.6) -> None:
        super().__init__()
        if not isinstance(source.network.encoder, GivesAttention):
            name = type(source.network.encoder).__name__
            raise ValueError(
                f"a foreground by attention needs an encoder that gives it, and {name} does not: take a transformer "
                "(--encoder transformer), or no foreground (--method.foreground none)"
            )
        self.segmenter, self.source, self.share = segmenter, source, share
        check_ranges(self)

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """The objects, with weight 0 where there is little attention."""
        found: Segmentation = self.segmenter(batch, generator)
        network = self.source.network
        with evaluating(network):
            encoder = network.encoder
            assert isinstance(encoder, GivesAttention)
            kept = most_attended(encoder.attention(batch.source.data).mean(dim=1), self.share)
        return replace(found, weights=found.weights * kept[:, None])

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:
        """The segmenter and the network follow by their rules, where they have one."""
        for part in (self.segmenter, self.source):
            if isinstance(part, AfterStep):
                part.after_step(outputs, progress)


def most_attended(attention: Float[Tensor, "batch elements"], share: float) -> Bool[Tensor, "batch elements"]:
    """The fewest elements that hold a share of the attention.

    Example:
        >>> most_attended(torch.tensor([[0.1, 0.5, 0.3, 0.1]]), 0.6).tolist()
        [[False, True, True, False]]
    """
    ordered, order = attention.float().sort(dim=1, descending=True, stable=True)
    before = ordered.cumsum(dim=1) - ordered
    kept = (before < share * ordered.sum(dim=1, keepdim=True)) & (ordered > 0)
    return torch.zeros_like(kept).scatter(1, order, kept)

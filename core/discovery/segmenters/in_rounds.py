"""Segments that are found for the whole training set, kept, and compared until the next round."""

from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import nn

from ...components.ranges import Count, check_ranges
from ...data.correspondence import Index
from ...data.feature_map import FeatureMap
from ...data.segmentation import Segmentation
from ...data.view import Batch, View
from ...networks.follower import NetworkSource
from ...networks.modes import evaluating
from ...optimization.progress import Progress
from ..finder import ObjectFinder
from ..observed import Observed
from .base import AbstractSegmenter


@final
@dataclass(frozen=True)
class Rounds:
    """When segments are found anew: after every so many steps or epochs of training.

    Source: Odin, [0037] and [0087]: the discovery network is a copy of the online network, made every 10 or 100 epochs.

    Example:
        >>> Rounds(300).of(Progress(step=650, steps=900, steps_per_epoch=187)), Rounds(300).begin(2, 187)
        (2, 600)
    """

    every: Count = 300
    """So many steps or epochs make up a round."""
    unit: Literal["epochs", "steps"] = "steps"
    """Epochs or steps."""
    restart: bool = True
    """The learning rate rises and falls once in every round; without, once in the whole run."""
    first_only: bool = False
    """The segments of the first round are compared in all of them: this is what finding them anew is to be held
    against."""
    context: bool = True
    """The network sees windows of something longer with what lies around them when it finds segments, as in
    `discover`; without, the borders of windows look unlike the rest to it."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def period(self, steps_per_epoch: int) -> int:
        """Steps of a round."""
        return self.every * (steps_per_epoch if self.unit == "epochs" else 1)

    def of(self, progress: Progress) -> int:
        """The number of the round, from 0, that the next step belongs to."""
        return progress.step // self.period(progress.steps_per_epoch)

    def begin(self, number: int, steps_per_epoch: int) -> int:
        """The step with which a round begins."""
        return number * self.period(steps_per_epoch)


@final
class InRounds(AbstractSegmenter):
    """Kept segments, which come as the masks of the batch: the learner's step holds no discovery network.

    The training loop finds them for all items between two rounds (`find`). Where a batch brings none, they are found in
    the step, as the first round has them.

    Args:
        source: the online network.
        finder: finds the objects in its features, from round 1 on.
        first: what round 0 compares: a rule of the recipe; None: what the finder finds with the untrained network.
        rounds: when segments are found anew.
        background: what belongs to no object is compared as one more object of its item.
    """

    def __init__(
        self,
        source: NetworkSource,
        finder: ObjectFinder,
        first: AbstractSegmenter | None,
        rounds: Rounds,
        background: bool = False,
    ) -> None:
        super().__init__()
        self.source = source
        self.finder = finder
        self.first = first
        self.rounds = rounds
        self.background = background
        self.plain_networks = nn.ModuleList(finder.plain_networks())  # so that they move between devices with the rest

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """The kept segments of every item, and with `background` what belongs to none of them."""
        kept = self.find(0, batch.source.data, generator)[0] if batch.masks is None else batch.masks
        return kept.with_rest() if self.background else kept

    @torch.no_grad()
    def find(self, number: int, data: Any, generator: torch.Generator) -> tuple[Segmentation, FeatureMap]:
        """The segments of a batch of untransformed items for round `number`, and features that say what is padding.

        They are the rule's in round 0, and discovered ones later.
        """
        network = self.source.network
        with evaluating(network):
            features = network.encode(data)
            if self.discovers(number):
                return self.finder(network, features, data, generator), features
        assert self.first is not None
        segments: Segmentation = self.first(_unviewed(data, len(features.valid)), generator)
        return segments, features

    def discovers(self, number: int) -> bool:
        """Whether the segments of a round are discovered, and not those of the rule."""
        return (number > 0 and not self.rounds.first_only) or self.first is None

    @torch.no_grad()
    def observe(self, data: Any) -> Observed:
        """What discovered segments are found in, of a batch of untransformed items."""
        network = self.source.network
        with evaluating(network):
            return self.finder.observe(network, network.encode(data), data)


def _unviewed(data: Any, items: int) -> Batch[Any]:
    """Untransformed items as a batch without views, as segmenters take them."""
    nothing = Index(torch.full((items, 0), -1), torch.zeros(items, dtype=torch.bool))
    names = tuple(f"item {number + 1}" for number in range(items))
    return Batch(View(data, nothing), (), names, torch.arange(items))


def in_rounds(learner: nn.Module) -> InRounds | None:
    """The segmenter of a learner whose segments are kept in rounds; None of any other."""
    segmenter = getattr(learner, "segmenter", None)  # no protocol: Python 3.12 finds no submodule as its member
    return segmenter if isinstance(segmenter, InRounds) else None

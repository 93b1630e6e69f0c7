"""Learning in rounds: segments of the whole training set are found, kept, and compared until the next round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, final, runtime_checkable

import torch
from torch import nn

from ..components.ranges import Count, check_ranges
from ..data.correspondence import Index
from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation
from ..data.view import Batch, View
from ..discovery.finder import ObjectFinder
from ..discovery.segmenters.base import AbstractSegmenter
from ..networks.modes import evaluating
from ..optimization.progress import Progress
from .compared import Compared
from .learner import Learner
from .step import AbstractLearner, StepOutput


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
    """The learning rate rises and falls once in every round, or once in the whole run."""

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


@runtime_checkable
class LearnsInRounds(Protocol):
    """A learner that compares kept segments, which come as the masks of the batch."""

    rounds: Rounds

    def find_segments(self, number: int, data: Any, generator: torch.Generator) -> tuple[Segmentation, FeatureMap]:
        """The segments of a batch of untransformed items for round `number`, and features that say what is padding."""
        ...


@final
class RoundsLearner(AbstractLearner[Compared]):
    """A comparing learner whose segments are found between the steps: its step holds no discovery network.

    Args:
        inner: compares the masks of the batch.
        finder: finds the objects in the online network's features, from round 1 on.
        first: what round 0 compares: a rule of the recipe; None: what the finder finds with the untrained network.
        rounds: when segments are found anew.
    """

    def __init__(self, inner: Learner, finder: ObjectFinder, first: AbstractSegmenter | None, rounds: Rounds) -> None:
        super().__init__()
        self.inner = inner
        self.online = inner.online
        self.finder = finder
        self.first = first
        self.rounds = rounds
        self.plain_networks = nn.ModuleList(finder.plain_networks())  # so that they move between devices with the rest

    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Compared]:
        """The step of the inner learner; segments that do not come with the batch are found here, as in its round."""
        if batch.masks is None:
            segments, _ = self.find_segments(self.rounds.of(progress), batch.source.data, generator)
            batch = replace(batch, masks=segments)
        output: StepOutput[Compared] = self.inner(batch, generator, progress)
        return output

    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:
        """What follows in the inner learner follows."""
        self.inner.after_step(outputs, progress)

    @torch.no_grad()
    def find_segments(self, number: int, data: Any, generator: torch.Generator) -> tuple[Segmentation, FeatureMap]:
        """The rule's segments in round 0, discovered ones later."""
        with evaluating(self.online):
            features = self.online.encode(data)
            if number or self.first is None:
                assert self.finder is not None
                return self.finder(self.online, features, data, generator), features
        return self.first(_unviewed(data, len(features.valid)), generator), features

    def health(self, output: StepOutput[Compared]) -> dict[str, float]:
        """That of the inner learner."""
        return self.inner.health(output)

    def heads(self) -> Mapping[str, nn.Module]:
        """Those of the inner learner."""
        return self.inner.heads()


def _unviewed(data: Any, items: int) -> Batch[Any]:
    """Untransformed items as a batch without views, as segmenters take them."""
    nothing = Index(torch.full((items, 0), -1), torch.zeros(items, dtype=torch.bool))
    names = tuple(f"item {number + 1}" for number in range(items))
    return Batch(View(data, nothing), (), names, torch.arange(items))

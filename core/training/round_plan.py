"""Which steps belong to which round, and the learning rate within them."""

from dataclasses import dataclass
from typing import Any, final

from ..discovery.segmenters.in_rounds import Rounds, in_rounds
from ..methods.step import AbstractLearner
from ..optimization.progress import Progress
from ..optimization.schedules import warmup_cosine
from .options import Training


@final
@dataclass(frozen=True)
class RoundPlan:
    """The steps of a training; without rounds all of them are one.

    Example:
        >>> plan = RoundPlan(Rounds(300), Training(steps=900, warmup=30), steps_per_epoch=187)
        >>> plan.round_of(650), plan.end(650), plan.rate(329) == plan.rate(29) == 1.0
        (2, 900, True)
    """

    rounds: Rounds | None
    options: Training
    steps_per_epoch: int

    @classmethod
    def of(cls, learner: AbstractLearner[Any], options: Training, steps_per_epoch: int) -> "RoundPlan":
        """That of a learner."""
        segmenter = in_rounds(learner)
        return cls(None if segmenter is None else segmenter.rounds, options, steps_per_epoch)

    def round_of(self, step: int) -> int:
        """The number of the round of a step."""
        return 0 if self.rounds is None else self.rounds.of(Progress(step, self.options.steps, self.steps_per_epoch))

    def begin(self, step: int) -> int:
        """The step with which the round of a step begins."""
        return 0 if self.rounds is None else self.rounds.begin(self.round_of(step), self.steps_per_epoch)

    def end(self, step: int) -> int:
        """The step before which the round of a step ends."""
        if self.rounds is None:
            return self.options.steps
        return min(self.options.steps, self.rounds.begin(self.round_of(step) + 1, self.steps_per_epoch))

    def rate(self, step: int) -> float:
        """The share of the peak learning rate at a step."""
        if self.rounds is not None and not self.rounds.restart:
            return warmup_cosine(step + 1, self.options.steps, self.options.warmup)
        begin, end = self.begin(step), self.end(step)
        return warmup_cosine(step + 1 - begin, end - begin, self.options.warmup)

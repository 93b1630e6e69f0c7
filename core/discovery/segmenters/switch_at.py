"""Warm start: begin with meaningful first segments, go on with discovered ones."""

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from ...components.ranges import CountOrNone, check_ranges
from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...optimization.after_step import AfterStep
from ...optimization.progress import Progress
from ..finder import ObjectFinder
from .base import AbstractSegmenter
from .discovery import HasFinder


@final
class SwitchAt(AbstractSegmenter):
    """`first` until `step` steps are done, `then` from there on; both follow the online network all the time.

    The segments of a random network teach nothing about objects, so a run may start from groups of plain features or
    from a rule made by hand.
    """

    steps_done: Tensor

    def __init__(self, first: AbstractSegmenter, then: AbstractSegmenter, step: CountOrNone) -> None:
        super().__init__()
        self.first = first
        self.then = then
        self.step = step
        check_ranges(self)
        self.register_buffer("steps_done", torch.zeros((), dtype=torch.long))

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """The segments of whichever the step asks for."""
        segmenter = self.first if int(self.steps_done) < self.step else self.then
        segments: Segmentation = segmenter(batch, generator)
        return segments

    @property
    def finder(self) -> ObjectFinder:
        """How `then` finds objects.

        Raises:
            AttributeError: if it does not.
        """
        if not isinstance(self.then, HasFinder):
            raise AttributeError(f"{type(self.then).__name__} discovers no objects")
        return self.then.finder

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:
        """Both update their state; the step decides which of them is asked."""
        for part in (self.first, self.then):
            if isinstance(part, AfterStep):
                part.after_step(outputs, progress)
        self.steps_done.fill_(progress.step)

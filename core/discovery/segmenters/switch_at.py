"""Begin with meaningful first segments, go on with discovered ones."""

from typing import Any, final

import torch
from torch import Tensor

from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...optimization.progress import Progress
from .base import AbstractSegmenter


@final
class SwitchAt(AbstractSegmenter):
    """`first` until `step` steps are done, `then` from there on; both follow all the time.

    Random first segments teach nothing about objects (see the page on what was tried), so a run may start from
    groups of raw features or from a heuristic.
    """

    steps_done: Tensor

    def __init__(self, first: AbstractSegmenter, then: AbstractSegmenter, step: int) -> None:
        super().__init__()
        self.first = first
        self.then = then
        self.step = step
        self.register_buffer("steps_done", torch.zeros((), dtype=torch.long))

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:
        """The segments of whichever is in charge."""
        segmenter = self.first if int(self.steps_done) < self.step else self.then
        segments: Segmentation = segmenter(batch, generator)
        return segments

    def follow(self, progress: Progress) -> None:
        """Both follow; the step decides who is in charge."""
        self.first.follow(progress)
        self.then.follow(progress)
        self.steps_done.fill_(progress.step)

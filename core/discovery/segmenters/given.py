"""Segments that come with the data, or from a heuristic: DetCon."""

from collections.abc import Callable
from typing import Any, final

import torch

from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...optimization.progress import Progress
from .base import AbstractSegmenter


@final
class Given(AbstractSegmenter):
    """Takes `batch.given`, or what `heuristic(source data)` finds where one is passed."""

    def __init__(self, heuristic: Callable[[Any], Segmentation] | None = None) -> None:
        super().__init__()
        self.heuristic = heuristic

    @torch.no_grad()
    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """The given segments.

        Raises:
            ValueError: if the batch brings none and no heuristic was passed.
        """
        if self.heuristic is not None:
            return self.heuristic(batch.source.data)
        if batch.given is None:
            raise ValueError(
                f"the segmenter Given needs segments in the batch, but items such as {batch.names[0]!r} bring none; "
                "let the data supply them, or pass a heuristic"
            )
        return batch.given

    def follow(self, progress: Progress) -> None:
        """Nothing follows."""

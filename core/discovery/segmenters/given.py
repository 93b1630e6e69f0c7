"""Segments that come with the data, or from a heuristic: DetCon."""

from collections.abc import Callable
from typing import Any, final

import torch

from ...data.segmentation import Segmentation
from ...data.view import Batch
from .base import AbstractSegmenter


@final
class GivenMasks(AbstractSegmenter):
    """Masks from `batch.masks`, or what `heuristic(source data)` finds where one is passed."""

    def __init__(self, heuristic: Callable[[Any], Segmentation] | None = None) -> None:
        super().__init__()
        self.heuristic = heuristic

    @torch.no_grad()
    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """The masks that come with the data.

        Raises:
            ValueError: if the batch brings none and no heuristic was passed.
        """
        if self.heuristic is not None:
            return self.heuristic(batch.source.data)
        if batch.masks is None:
            raise ValueError(
                f"the segmenter GivenMasks needs masks in the batch, but items such as {batch.names[0]!r} bring none; "
                "give them with --masks (masks=…), or pass a heuristic"
            )
        return batch.masks

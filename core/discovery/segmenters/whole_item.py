"""The whole item is the only object: BYOL, SimCLR, MoCo, SemPPL."""

from typing import Any, final

import torch

from ...data.segmentation import Segmentation
from ...data.view import Batch
from .base import AbstractSegmenter


@final
class WholeItem(AbstractSegmenter):
    """One object per item, wherever it is seen; the source view is not even looked at."""

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Every item as one object."""
        return Segmentation.whole_items(len(batch), batch.index.device)

"""Every element is an object: dense learning."""

from collections.abc import Sequence
from typing import Any, final

import torch

from ...data.segmentation import Segmentation
from ...data.view import Batch
from ...networks.follower import NetworkSource
from ...networks.modes import evaluating
from ...optimization.after_step import AfterStep
from ...optimization.progress import Progress
from .base import AbstractSegmenter


@final
class EveryElement(AbstractSegmenter):
    """One object per element of the source view; `source` only tells which elements there are.

    With `at_centres` a view shows an element where its centre lies, between the view's own elements (RoI-align).
    """

    def __init__(self, source: NetworkSource, at_centres: bool = False) -> None:
        super().__init__()
        self.source = source
        self.at_centres = at_centres

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """Every valid element as an object."""
        network = self.source.network
        with evaluating(network):
            return Segmentation.every_element(network.encode(batch.source.data), self.at_centres)

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:
        """The network follows by its rule, where it has one."""
        if isinstance(self.source, AfterStep):
            self.source.after_step(outputs, progress)

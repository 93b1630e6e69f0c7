"""The practitioner's rule as a grouper: energy above the floor, cut where the spectrum suddenly gains energy."""

import math
from typing import final

import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.groupers import AbstractGrouper

from ..audio_events.rules import Rules, segment


@final
class EnergyAndFlux(AbstractGrouper):
    """Every stretch that the rule finds in log-mel features is an object; see `segment`."""

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """The segmentation of every item."""
        assert features.grid is not None
        labels = torch.full(features.valid.shape, -1)
        for row, edges in enumerate(features.grid.edges[0]):
            own = features.valid[row].cpu()
            log_mel = features.values[row].cpu()[own] * math.log(100.0)  # the encoder's unit is 20 dB of power
            rules = Rules(hop=float(edges[1] - edges[0]))
            labels[row, own] = torch.from_numpy(segment(log_mel.numpy(), rules)) - 1
        objects = max(1, int(labels.max()) + 1)
        return Segmentation.from_labels(labels.to(features.values.device), objects, features.places)

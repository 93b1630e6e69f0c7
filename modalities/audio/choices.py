"""Transforms of recordings among which a network can tell the one that was applied."""

from collections.abc import Mapping
from typing import final

import numpy as np
import torch

from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Recording
from .effects import changed
from .views import TimeStretch, chain

FADE = 0.02
"""Seconds over which the two sides of a cut fade."""


@final
class Backwards(AbstractTransform[Recording]):
    """The recording played backwards."""

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:  # noqa: ARG002
        """t_source = end − t_view."""
        return changed(item, item.samples.flip(0)), Affine.of([-1.0, 1.0], [item.seconds, 0.0])


@final
class Halves(AbstractTransform[Recording]):
    """Two halves, in their order or swapped; both fade out and in where they meet, and at the ends of the item.

    In both orders, so that no click and no silence gives the order away. Of swapped halves no correspondence is known,
    since no one shift describes it.
    """

    def __init__(self, swapped: bool) -> None:
        self.swapped = swapped

    def __call__(self, item: Recording, rng: np.random.Generator) -> tuple[Recording, Affine]:  # noqa: ARG002
        """The identity, or none."""
        count = len(item.samples)
        ramp = min(round(FADE * item.sample_rate), count // 4)
        rise = torch.linspace(0.0, 1.0, ramp + 2)[1:-1]
        halves = [half.clone() for half in item.samples.tensor_split([count // 2])]
        for half in halves:
            half[:ramp] *= rise
            half[len(half) - ramp :] *= rise.flip(0)
        joined = torch.cat(halves[::-1] if self.swapped else halves)
        return changed(item, joined), Affine.none(2) if self.swapped else Affine.identity(2)


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Recording]]] = {
    "direction": {"forwards": chain(), "backwards": Backwards()},
    "speed": {f"{rate:g}×": TimeStretch(rate, rate) for rate in (1.0, 1.5, 2.0)},
    "order": {"kept": Halves(swapped=False), "swapped": Halves(swapped=True)},
}
"""Forwards or backwards, three speeds at one pitch, or two halves in their order or not."""

"""How far training has come."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Progress:
    """`step` optimiser steps are done out of `steps`; an epoch is `steps_per_epoch` of them.

    Example:
        >>> Progress(step=150, steps=1000, steps_per_epoch=100).fraction
        0.15
    """

    step: int
    steps: int
    steps_per_epoch: int

    @property
    def fraction(self) -> float:
        """Share of the training that is done, in [0, 1]."""
        return min(self.step / max(self.steps, 1), 1.0)

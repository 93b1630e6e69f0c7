"""Parts with state that changes after the optimiser's step."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from .progress import Progress


@runtime_checkable
class AfterStep(Protocol):
    """A part of a learner with state of its own: a teacher, a segmenter, an objective with a queue."""

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:
        """Update the state, once after every optimiser step; `outputs` are the step outputs of its parts."""
        ...

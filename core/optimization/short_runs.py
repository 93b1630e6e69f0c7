"""Parts that first learn something from whole epochs, and runs that end before these are of use."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from .progress import Progress


@runtime_checkable
class NeedsEpochs(Protocol):
    """A part of a learner that does something of its own when an epoch, or several of them, are over."""

    def too_short(self, run: Progress) -> str | None:
        """What a run of so many steps never does for want of epochs, in words; None where it does all."""
        ...


def never_done(parts: Iterable[Any], run: Progress) -> list[str]:
    """What a run of so many steps is too short for: a sentence for each part of a learner that waits for epochs.

    Args:
        parts: of a learner, such as its modules.
        run: its steps, and those of an epoch.
    """
    said = [part.too_short(run) for part in parts if isinstance(part, NeedsEpochs)]
    return [text for text in said if text is not None]


def in_words(never: str, run: Progress) -> str:
    """Why something is never done, and what to do.

    Example:
        >>> in_words("labels stay random", Progress(0, steps=20, steps_per_epoch=31))
        'labels stay random: this run has 20 steps, an epoch 31. Take more steps (--steps), or larger batches'
    """
    return (
        f"{never}: this run has {run.steps} steps, an epoch {run.steps_per_epoch}. "
        "Take more steps (--steps), or larger batches"
    )

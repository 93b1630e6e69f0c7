"""The whole configuration of the recipe `audio-events`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from gestalt.core.experiment import Learning, Running
from gestalt.core.training import Training

from .finding import FinderOptions


@final
@dataclass(frozen=True)
class Options:
    """Discover sound events in recordings, without labels.

    Trains on soundscapes mixed from the sounds that ship with the package, and evaluates on soundscapes of sounds that
    it never heard; or, with --data, trains on your own recordings. Writes a run folder with report.html.
    """

    seconds: float = 4.0
    """Length of the windows that recordings are taken in, in seconds."""
    soundscapes: int = 12000
    """Soundscapes to mix for training (without --data)."""
    test_soundscapes: int = 200
    """Soundscapes of unseen sounds to evaluate on (without --data)."""
    finder: FinderOptions = field(default_factory=FinderOptions)
    """How events are found among elements."""
    running: Running = field(default_factory=lambda: Running(Path("runs/audio-events")))
    """Where to read and write."""
    learning: Learning = field(default_factory=Learning)
    """What learns."""
    training: Training = field(default_factory=lambda: Training(steps=450, batch=32, lr=2e-3, warmup=50))
    """How to train."""

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise ValueError(f"--seconds must be at least 1, got {self.seconds}: views are crops of a window")

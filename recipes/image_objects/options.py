"""The whole configuration of the recipe `image-objects`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from gestalt.core.experiment import Learning, Running
from gestalt.core.training import Training

from .finding import FinderOptions


@final
@dataclass(frozen=True)
class Options:
    """Discover objects in pictures, without labels.

    Trains on scenes of clothing on photographs, composed from data that ship with the package, and evaluates on scenes
    of items and photographs that it never saw; or, with --data, trains on your own pictures. Writes a run folder with
    report.html.
    """

    size: int = 64
    """Pixels a side of the views that are learned from."""
    scenes: int = 3000
    """Scenes to compose for training (without --data)."""
    test_scenes: int = 200
    """Scenes of unseen items and photographs to evaluate on (without --data)."""
    longest: int = 256
    """Your own pictures are shrunk to so many pixels a side when read."""
    finder: FinderOptions = field(default_factory=FinderOptions)
    """How objects are found among cells."""
    running: Running = field(default_factory=lambda: Running(Path("runs/image-objects")))
    """Where to read and write."""
    learning: Learning = field(default_factory=lambda: Learning(contrast=0.2, regression=1.0, hand_over=200))
    """What learns."""
    training: Training = field(default_factory=lambda: Training(steps=300, batch=16, lr=2e-3, warmup=30))
    """How to train."""

    def __post_init__(self) -> None:
        if self.size < 32 or self.longest < self.size:
            raise ValueError(
                f"--size must be at least 32 and --longest at least --size, got {self.size} and {self.longest}"
            )

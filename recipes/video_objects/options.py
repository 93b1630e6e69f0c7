"""The whole configuration of the recipe `video-objects`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from gestalt.core.experiment import Learning, Running
from gestalt.core.training import Training

from .finding import FinderOptions


@final
@dataclass(frozen=True)
class Options:
    """Discover the things that move in videos, without labels.

    Trains on moving scenes composed of the clothing items that ship with the package, and evaluates on scenes of items
    and photographs that it never saw; or, with --data, trains on your own videos. Writes a run folder with report.html.
    """

    seconds: float = 1.0
    """Length of the windows that videos are taken in, in seconds."""
    rate: float = 8.0
    """Frames per second that are looked at, at most."""
    size: int = 64
    """The shorter side of the picture in pixels, at most."""
    view: int = 48
    """Height and width of the views in pixels."""
    scenes: int = 6000
    """Scenes to compose for training (without --data)."""
    test_scenes: int = 60
    """Scenes of unseen items to evaluate on (without --data)."""
    finder: FinderOptions = field(default_factory=FinderOptions)
    """How objects are found among tubes."""
    running: Running = field(default_factory=lambda: Running(Path("runs/video-objects")))
    """Where to read and write."""
    learning: Learning = field(
        default_factory=lambda: Learning(contrast=0.2, regression=1.0, hand_over=120, discovery_every=40)
    )
    """What learns."""
    training: Training = field(default_factory=lambda: Training(steps=160, batch=16, lr=2e-3, warmup=30))
    """How to train."""

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.rate <= 0 or self.view < 16 or self.size < 16:
            raise ValueError(
                "--seconds and --rate must be positive, --view and --size at least 16 pixels, "
                f"got {self.seconds}, {self.rate}, {self.view} and {self.size}"
            )

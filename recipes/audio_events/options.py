"""The whole configuration of the recipe `audio-events`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from gestalt.core.training import Training

from .finder import Finder


@final
@dataclass(frozen=True)
class Options:
    """Discover sound events in recordings, without labels.

    Trains on soundscapes mixed from the sounds that ship with the package, and evaluates on soundscapes of sounds that
    it never heard; or, with --data, trains on your own recordings. Writes a run folder with report.html.
    """

    data: tuple[Path, ...] = ()
    """Your recordings: files and folders. Nothing: the shipped sounds."""
    out: Path = Path("runs/audio-events")
    """Folder of the run."""
    resume: bool = False
    """Go on with the run in the folder from its last checkpoint."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them, instead of stopping."""
    method: Literal["odin", "byol"] = "odin"
    """odin learns from discovered events, byol from whole recordings."""
    encoder: str = "conv"
    """Encoder, by its name in the audio modality."""
    seconds: float = 4.0
    """Length of the windows that recordings are taken in, in seconds."""
    soundscapes: int = 12000
    """Soundscapes to mix for training (without --data)."""
    test_soundscapes: int = 200
    """Soundscapes of unseen sounds to evaluate on (without --data)."""
    temperature: float = 0.1
    """Contrast: α of the Odin document."""
    contrast: float = 1.0
    """Weight of contrast between events."""
    regression: float = 0.0
    """Weight of regression onto the teacher's events."""
    decay: float = 0.99
    """The teacher's moving average at the start; it rises to 1."""
    hand_over: int = 200
    """Steps with segments of raw log-mel features before discovered ones take over."""
    discovery_every: int = 100
    """Steps between two copies of the online network to the discovery network."""
    hidden: int = 256
    """Width of the heads' hidden layer."""
    projection: int = 128
    """Length of the projected vectors."""
    validate: bool = False
    """Evaluate on validation sounds instead of test sounds: for choosing options."""
    compare_byol: bool = False
    """Train BYOL for as long too, for the table (twice the time)."""
    finder: Finder = field(default_factory=Finder)
    """How events are found among elements."""
    training: Training = field(default_factory=lambda: Training(steps=450, batch=32, lr=2e-3, warmup=50))
    """How to train."""

    def __post_init__(self) -> None:
        if self.compare_byol and (self.data or self.method == "byol"):
            raise ValueError("--compare-byol is for Odin on the shipped sounds, whose truth is known; leave it out")
        if self.seconds < 1:
            raise ValueError(f"--seconds must be at least 1, got {self.seconds}: views are crops of a window")


FREE = frozenset(
    {"resume", "skip_bad", "compare_byol", "validate", "test_soundscapes", "training.workers", "training.threads"}
)
"""Options that may differ when a run goes on: its numbers do not depend on them."""

"""The options that every recipe has; each recipe adds its own beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, final

from gestalt.core.training import Training

Method = Literal["odin", "byol"]


@final
@dataclass(frozen=True)
class Running:
    """Where a run reads and writes, and what it is compared with."""

    out: Path
    """Folder of the run."""
    data: tuple[Path, ...] = ()
    """Your own data: files and folders. Nothing: what ships with the package."""
    resume: bool = False
    """Go on with the run in the folder from its last checkpoint."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them, instead of stopping."""
    validate: bool = False
    """Evaluate on validation data instead of test data: for choosing options (without --data)."""
    compare: tuple[Method, ...] = ()
    """Further methods to train for as long, for the table (without --data)."""

    def __post_init__(self) -> None:
        if self.data and (self.compare or self.validate):
            raise ValueError("--compare and --validate need data whose truth is known: leave out --data, or these")


@final
@dataclass(frozen=True)
class Learning:
    """The method, its networks, and how the parts of the method are set."""

    method: Method = "odin"
    """odin learns from discovered objects, byol from whole items."""
    encoder: str = "conv"
    """Encoder, by its name in the modality."""
    temperature: float = 0.1
    """Contrast: α of the Odin document."""
    contrast: float = 1.0
    """Weight of contrast between objects."""
    regression: float = 0.0
    """Weight of regression onto the teacher's objects."""
    decay: float = 0.99
    """The teacher's moving average at the start; it rises to 1."""
    hand_over: int = 200
    """Steps with segments of raw features before discovered ones take over."""
    discovery_every: int = 100
    """Steps between two copies of the online network to the discovery network."""
    hidden: int = 256
    """Width of the heads' hidden layer."""
    projection: int = 128
    """Length of the projected vectors."""


class Options(Protocol):
    """The configuration of a recipe: a frozen dataclass with these three parts and its own beside them."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def running(self) -> Running:
        """Where to read and write."""
        ...

    @property
    def learning(self) -> Learning:
        """What learns."""
        ...

    @property
    def training(self) -> Training:
        """How it is trained."""
        ...


FREE = frozenset(
    {
        "running.out",
        "running.resume",
        "running.skip_bad",
        "running.compare",
        "running.validate",
        "training.workers",
        "training.threads",
    }
)
"""Options that may differ when a run goes on: its numbers do not depend on them."""

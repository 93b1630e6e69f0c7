"""The options that every recipe has; each recipe adds its own beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, final

from ..training import Training

Method = Literal[
    "odin",
    "odin-semantic",
    "detcon",
    "detcon-s",
    "byol",
    "semppl",
    "semppl-invariant",
    "semppl-task",
    "relic",
    "simclr",
    "moco",
    "npid",
    "supervised",
    "supervised-contrastive",
]
"""The names of `gestalt.core.methods.METHODS`, written out for the command line's help."""


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
    """odin learns from discovered objects, most others from whole items; `gestalt methods` lists them all."""
    encoder: str = "conv"
    """Encoder, by its name in the modality."""
    temperature: float | None = None
    """Temperature of the objective; None is the method's own, 0.1 for Odin."""
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
    labels: Path | None = None
    """For methods that learn from labels: a CSV file (name of a file, label), or the word folders. Nothing: what the
    recipe knows of the shipped data."""
    label_column: str | None = None
    """Column of that file; the second one, or the one called label."""
    label_kind: Literal["class", "value"] = "class"
    """Whether its labels are classes or values."""
    label_share: float = 0.1
    """Share of the labels that the method may see."""

    def __post_init__(self) -> None:
        if not 0 < self.label_share <= 1:
            raise ValueError(f"--label-share must lie in (0, 1], got {self.label_share}")


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

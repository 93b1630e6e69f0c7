"""The whole configuration of the recipe `objects`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from gestalt.core.experiment import Learning, Running
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.plugins import load_modality, modality_entry_points
from gestalt.core.training import Training

from .finding import FinderOptions

AUTO = "auto"


@final
@dataclass(frozen=True)
class Options:
    """Discover objects in your own data of any kind, without labels.

    Trains on the items under --data with the default views of the kind of data, and writes a run folder with
    report.html. The encoder "auto" is the first of the modality that learns.
    """

    modality: str | None = None
    """Kind of data: an installed modality, or package.module:OBJECT, also from the working directory."""
    finding: FinderOptions = field(default_factory=FinderOptions)
    """How objects are found among elements."""
    running: Running = field(default_factory=lambda: Running(Path("runs/objects")))
    """Where to read and write."""
    learning: Learning = field(default_factory=lambda: Learning(encoder=AUTO))
    """What learns."""
    training: Training = field(default_factory=lambda: Training(steps=450, batch=32, lr=2e-3, warmup=50))
    """How to train."""

    def load(self) -> AbstractModality[Any]:
        """The kind of data.

        Raises:
            ValueError: if it is not named, or there is none of that name.
            ImportError: if it, or a library of it, is not there.
        """
        if self.modality is None:
            raise ValueError(
                f"name the kind of data by --modality: {', '.join(modality_entry_points())}, or package.module:OBJECT"
            )
        return load_modality(self.modality)


def smallest(modality: AbstractModality[Any]) -> str:
    """The name of the modality's first encoder that has weights: modalities name the small ones first."""
    return next(name for name, build in modality.encoders.items() if any(True for _ in build().parameters()))

"""Weights & Biases."""

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final
from uuid import uuid4

from lightning_fabric.loggers.logger import Logger

from .run_id import known_as, remember


@final
class WandbLog(Logger):
    """Weights & Biases, in the project of WANDB_PROJECT, or else "gestalt"; with WANDB_MODE=offline nothing is sent."""

    def __init__(self, folder: Path, step: int) -> None:
        wandb: Any = importlib.import_module("wandb")  # which not every environment has
        self._id = known_as(folder, self.name, step) or uuid4().hex[:12]
        project = os.environ.get("WANDB_PROJECT", "gestalt")
        self.run = wandb.init(
            project=project, name=folder.name, dir=str(folder), id=self._id, resume="allow" if step else "never"
        )
        remember(folder, self.name, self._id)

    @property
    def name(self) -> str:
        """What it is called."""
        return "wandb"

    @property
    def version(self) -> str:
        """The id of the run there."""
        return self._id

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """One point of every curve."""
        self.run.log(dict(metrics), step=step)

    def log_hyperparams(self, params: Any) -> None:
        """The options of the run."""
        self.run.config.update(dict(params), allow_val_change=True)

    def finalize(self, status: str) -> None:
        """End the run there."""
        self.run.finish(exit_code=int(status != "success"))

"""MLflow."""

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from lightning_fabric.loggers.logger import Logger

from .run_id import known_as, remember

LONGEST = 500
"""Letters of a parameter that every server takes."""


@final
class MlflowLog(Logger):
    """MLflow, where MLFLOW_TRACKING_URI says, in the experiment of MLFLOW_EXPERIMENT_NAME, or else "gestalt"."""

    def __init__(self, folder: Path, step: int) -> None:
        tracking: Any = importlib.import_module("mlflow.tracking")  # which not every environment has
        self.client = tracking.MlflowClient()
        known = known_as(folder, self.name, step)
        self.run = self._begin(folder.name) if known is None else known
        self.client.update_run(self.run, status="RUNNING")
        remember(folder, self.name, self.run)

    @property
    def name(self) -> str:
        """What it is called."""
        return "mlflow"

    @property
    def version(self) -> str:
        """The id of the run there."""
        return self.run

    def _begin(self, title: str) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "gestalt")
        there = self.client.get_experiment_by_name(name)
        experiment = self.client.create_experiment(name) if there is None else there.experiment_id
        return str(self.client.create_run(experiment, run_name=title).info.run_id)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """One point of every curve."""
        for name, value in metrics.items():
            self.client.log_metric(self.run, name, value, step=step)

    def log_hyperparams(self, params: Any) -> None:
        """The options of the run."""
        for name, value in dict(params).items():
            self.client.log_param(self.run, name, str(value)[:LONGEST])

    def finalize(self, status: str) -> None:
        """End the run there."""
        self.client.set_terminated(self.run, "FINISHED" if status == "success" else "KILLED")

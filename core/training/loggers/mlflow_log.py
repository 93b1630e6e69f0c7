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

    name = "mlflow"
    version: str = ""

    def __init__(self, folder: Path, step: int) -> None:
        tracking: Any = importlib.import_module("mlflow.tracking")  # which not every environment has
        self.client = tracking.MlflowClient()
        known = known_as(folder, self.name, step)
        self.version = self._begin(folder.name) if known is None else known
        self.client.update_run(self.version, status="RUNNING")
        remember(folder, self.name, self.version)

    def _begin(self, title: str) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "gestalt")
        there = self.client.get_experiment_by_name(name)
        experiment = self.client.create_experiment(name) if there is None else there.experiment_id
        return str(self.client.create_run(experiment, run_name=title).info.run_id)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """One point of every curve."""
        for name, value in metrics.items():
            self.client.log_metric(self.version, name, value, step=step)

    def log_hyperparams(self, params: Any) -> None:
        """The options of the run."""
        for name, value in dict(params).items():
            self.client.log_param(self.version, name, str(value)[:LONGEST])

    def finalize(self, status: str) -> None:
        """End the run there."""
        self.client.set_terminated(self.version, "FINISHED" if status == "success" else "KILLED")

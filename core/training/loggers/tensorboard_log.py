"""TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from lightning_fabric.loggers.logger import Logger
from torch.utils.tensorboard import SummaryWriter


@final
class TensorBoardLog(Logger):
    """TensorBoard's files in the run's folder; a resumed run hides what is younger than its checkpoint."""

    def __init__(self, folder: Path, step: int) -> None:
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)

    @property
    def name(self) -> str:
        """What it is called."""
        return "tensorboard"

    @property
    def version(self) -> None:
        """None: a run's folder has one."""
        return

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """One point of every curve."""
        for name, value in metrics.items():
            self.board.add_scalar(name, value, step)

    def log_hyperparams(self, params: Any) -> None:
        """Nothing: the options are in `options.json`, and TensorBoard shows curves."""

    def finalize(self, status: str) -> None:  # noqa: ARG002
        """Flush everything."""
        self.board.close()

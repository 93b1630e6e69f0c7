"""Where the curves of a run go beside `metrics.csv`: loggers with the interface of Lightning Fabric, by name."""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from lightning_fabric.loggers.logger import Logger

LoggerName = Literal["tensorboard", "wandb", "mlflow", "csv"]


@final
@dataclass(frozen=True)
class _Place:
    """A logger that is not imported yet: the package that it needs, where it is, and how to install the package."""

    package: str
    module: str
    attribute: str
    remedy: str


PLACES: Mapping[str, _Place] = {
    "tensorboard": _Place("tensorboard", ".tensorboard_log", "TensorBoardLog", "pip install tensorboard"),
    "wandb": _Place("wandb", ".wandb_log", "WandbLog", "pip install wandb"),
    "mlflow": _Place("mlflow", ".mlflow_log", "MlflowLog", "pip install mlflow"),
}


def check_logger(name: LoggerName) -> None:
    """Refuse a logger whose package is not installed.

    Raises:
        ImportError: with what to install.
    """
    place = PLACES.get(name)
    if place is not None and importlib.util.find_spec(place.package) is None:
        raise ImportError(
            f"--logger {name} needs the package {place.package}, which is not installed: {place.remedy}; or leave "
            "--logger out: metrics.csv has every number"
        )


def opened(name: LoggerName, folder: Path, step: int) -> Logger | None:
    """The logger of that name for a run; None for `csv`, since `metrics.csv` is written anyhow.

    Args:
        name: of the logger.
        folder: of the run; services call the run after it.
        step: from which training goes on; 0 for a new run.

    Raises:
        ImportError: if its package is not installed.
    """
    check_logger(name)
    if name not in PLACES:
        return None
    place = PLACES[name]
    made: Any = getattr(importlib.import_module(place.module, __name__), place.attribute)
    logger: Logger = made(folder, step)
    return logger

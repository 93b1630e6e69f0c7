"""Metrics on disk: a CSV file that every tool reads, and beside it a logger."""

import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from lightning_fabric.loggers.logger import Logger

from ..storage.atomic import write_text
from ..storage.damage import first_line, json_of, read_or_name
from ..storage.names_of_runs import METRICS, OPTIONS
from .folder import flat, plain
from .loggers import opened
from .options import Training


@final
class MetricsLog:
    """Appends a row per logged step to `metrics.csv` and to a logger.

    A resumed run drops the rows that are younger than its checkpoint, so that the file ends as that of an undisturbed
    run. Times are not metrics: they go to the logger alone, because no two runs have the same. A logger that fails
    while the run goes on (its server is gone) is left out from there on, and that is said: the file has everything.

    Args:
        folder: the run's folder.
        step: the step from which training goes on; 0 for a new run.
        logger: beside the file; None for none.
        options: of the run, by dotted names, for a logger that shows them.
    """

    def __init__(
        self, folder: Path, step: int, logger: Logger | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        self.path = folder / METRICS
        rows = read_metrics(self.path) if step else []
        kept = [row for row in rows if int(row["step"]) <= step]
        self.columns = list(kept[0]) if kept else []
        write_text(self.path, self._lines(kept, header=bool(kept)))
        self.logger = logger
        if logger is not None and not step and options:
            logger.log_hyperparams(dict(options))

    def write(self, step: int, metrics: dict[str, float], times: dict[str, float]) -> None:
        """One row; all rows have the same columns.

        Raises:
            ValueError: if the columns differ from those of the first row.
            OSError: if the disk is full or refuses.
        """
        row = {"step": str(step)} | {name: f"{value:.6g}" for name, value in metrics.items()}
        new = not self.columns
        if new:
            self.columns = list(row)
        if list(row) != self.columns:
            raise ValueError(f"the columns of metrics.csv are {self.columns}, got {list(row)}")
        try:
            with self.path.open("a", newline="") as file:
                file.write(self._lines([row], header=new))
        except OSError as error:
            reason = error.strerror or error
            raise OSError(
                f"{self.path} cannot take another row ({reason}); free some disk space and go on with --resume"
            ) from error
        self._tell(step, metrics | times)

    def _tell(self, step: int, values: dict[str, float]) -> None:
        if self.logger is None:
            return
        try:
            self.logger.log_metrics(values, step)
        except Exception as error:  # whatever the library of another author raises when its server is gone
            print(
                f"the logger {self.logger.name} failed at step {step} ({type(error).__name__}: {first_line(error)}) "
                f"and is left out from here on; {self.path} goes on",
                file=sys.stderr,
            )
            self.logger = None

    def close(self, finished: bool = True) -> None:
        """Flush everything, and tell the logger how the training ended."""
        if self.logger is not None:
            self.logger.finalize("success" if finished else "aborted")

    def _lines(self, rows: list[dict[str, str]], header: bool) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


def log_of(folder: Path, step: int, options: Training) -> MetricsLog:
    """The metrics of a run with the logger that its options name, which is told all options of the run's folder.

    Args:
        folder: the run's folder.
        step: the step from which training goes on; 0 for a new run.
        options: of the training.

    Raises:
        ImportError: if the package of the logger is not installed.
    """
    path = folder / OPTIONS
    whole = flat(json_of(path) if path.is_file() else plain(options))
    return MetricsLog(folder, step, opened(options.logger, folder, step), whole)


def read_metrics(path: Path) -> list[dict[str, str]]:
    """The rows of a metrics file; a last line that a kill cut short is left out.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    return read_or_name(path, _rows, "remove it, and its curves begin anew") if path.is_file() else []


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")
    rows = list(csv.DictReader(lines[:-1]))
    return [row for row in rows if None not in row and None not in row.values()]

"""Metrics on disk: a CSV file that every tool reads, and TensorBoard."""

import csv
import io
from pathlib import Path
from typing import final

from torch.utils.tensorboard import SummaryWriter

from ..storage.atomic import write_text
from ..storage.damage import read_or_name

METRICS = "metrics.csv"


@final
class MetricsLog:
    """Appends a row per logged step to `metrics.csv` and to TensorBoard.

    A resumed run drops the rows that are younger than its checkpoint, so that the file ends as that of an undisturbed
    run. Times are not metrics: they go to TensorBoard alone, because no two runs have the same.

    Args:
        folder: the run's folder.
        step: the step from which training goes on; 0 for a new run.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / METRICS
        rows = read_metrics(self.path) if step else []
        kept = [row for row in rows if int(row["step"]) <= step]
        self.columns = list(kept[0]) if kept else []
        write_text(self.path, self._lines(kept, header=bool(kept)))
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)

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
        for name, value in (metrics | times).items():
            self.board.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush everything."""
        self.board.close()

    def _lines(self, rows: list[dict[str, str]], header: bool) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


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

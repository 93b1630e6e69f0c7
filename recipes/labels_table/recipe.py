"""The table "10 % labels"."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, final, get_args

from gestalt.core.components.ranges import Count, PositiveShare, check_ranges
from gestalt.core.evaluation import Column, combined
from gestalt.core.experiment.cells import measured, table_of_seed, write_table
from gestalt.core.experiment.set_by_table import check_left_alone
from gestalt.core.training.options import Training

from .cells import score
from .data_sets.by_name import Name, load
from .labelled_data import LabelledData
from .rows import ROWS, Row, RowName


def usual_training() -> Training:
    """How everything is trained if nothing else is said."""
    return Training(steps=100, batch=32, warmup=10, workers=0, threads=1)


@final
@dataclass(frozen=True)
class Options:
    """The table "10 % labels": methods that see few labels, or none until a probe, on the shipped data sets.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/labels-table")
    """Folder of the runs and of the table."""
    data_sets: tuple[Name, ...] = ("image", "audio", "graph", "text", "spans")
    """Columns of the table: three of items, then words, and groups of words."""
    rows: tuple[RowName, ...] = get_args(RowName)
    """Rows of the table: what needs no training, and methods."""
    share: PositiveShare = 0.1
    """Share of the labels that are shown."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    training: Training = field(default_factory=usual_training)
    """How every method is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_left_alone(
            self.training, usual_training(), {"seed": "--seeds", "lr": "the data set", "labelled": "the method"}
        )
        if not self.data_sets:
            raise ValueError("data_sets (--data-sets) must name at least one data set, got none")
        if not self.rows:
            raise ValueError("rows (--rows) must name at least one row of the table, got none")


@final
class LabelsTable:
    """What few labels are worth, by method and data set. It trains many methods, so it is no recipe for one run."""

    name: ClassVar[str] = "labels-table"
    summary: ClassVar[str] = "what few labels are worth, by method and data set"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json`; the exit code."""
        options = self.options
        columns = [Column(name, group=f"{options.share:.0%} of the labels") for name in options.data_sets]
        tables, note = [], ""
        for seed in range(options.seeds):
            data: dict[Name, LabelledData] = {name: load(name, seed) for name in options.data_sets}
            note = "Accuracy. " + "; ".join(f"{name}: {one.question}" for name, one in data.items()) + "."
            rows = {row.name: self._row(row, data, seed) for row in ROWS if row.folder in options.rows}
            tables.append(table_of_seed(f"seed {seed}", columns, rows))
        title = f"{options.seeds} seeds, {options.training.steps} steps"
        write_table(options.out, combined(tables, title, note))
        return 0

    def _row(self, row: Row, data: Mapping[Name, LabelledData], seed: int) -> dict[str, float]:
        """The accuracy of a row on every data set that it can learn from."""
        return {
            name: self._cell(row, one, seed) for name, one in data.items() if not (row.items_only and one.of_elements)
        }

    def _cell(self, row: Row, data: LabelledData, seed: int) -> float:
        options, training = self.options, replace(self.options.training, seed=seed)
        folder = options.out / data.name / f"{row.folder}-{options.share:g}-{options.training.steps}-{seed}"
        of = {} if row.method is None else {"training": training, "method": row.method}
        scores = measured(folder, lambda run: {"accuracy": score(row, data, options.share, training, run)}, of)
        print(f"{data.name}, seed {seed}, {row.name}: {scores['accuracy']:.3f}", flush=True)
        return scores["accuracy"]

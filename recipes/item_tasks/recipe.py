"""The tables of downstream tasks: encoders down, shares of the labels across, one table for each task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import ClassVar, final, get_args

import torch

from gestalt.core.components.ranges import Count, PositiveShare, check_ranges
from gestalt.core.evaluation import Column, Table, combined
from gestalt.core.experiment.cells import in_words, measured, write_table
from gestalt.core.networks.encoder import AbstractEncoder

from .cells import pretrained, scores
from .rows import ROWS, Row
from .task import Part, Task
from .tasks.by_name import Name, load

LOWER = frozenset({"equal error rate", "phone error rate"})
"""Scores of which less is better."""
NOTE = (
    "Probe: a linear head on frozen vectors. From scratch and tuned: encoder and head trained together for as many "
    "steps at the same rate. Every share of the labels is drawn anew for every seed; pre-training sees all items."
)


@final
@dataclass(frozen=True)
class Options:
    """What pre-training is worth in downstream tasks whose truth is known exactly, by the share of the labels.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/item-tasks")
    """Folder of the runs and of the tables."""
    tasks: tuple[Name, ...] = get_args(Name)
    """Which tasks."""
    shares: tuple[PositiveShare, ...] = (0.01, 0.1, 1.0)
    """Shares of the labels that are shown."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    part: Part = "test"
    """Which items are asked about: validation for choosing options."""
    scale: PositiveShare = 1.0
    """Items and steps as a share of those of the table, for a first look."""
    threads: Count = 1
    """CPU threads."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        object.__setattr__(self, "tasks", tuple(self.tasks))
        check_ranges(self)
        if not self.shares:
            raise ValueError("shares (--shares) must be one at least, got none")
        if not self.tasks:
            raise ValueError("tasks (--tasks) must name at least one task, got none")


@final
class ItemTasks:
    """Rows are encoders, columns shares of the labels. It trains many networks, so it is no recipe for one run."""

    name: ClassVar[str] = "item-tasks"
    summary: ClassVar[str] = "downstream tasks with exact truth, by pre-trained and other encoders"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json` for each task; the exit code."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.options.threads)
        try:
            for name in self.options.tasks:
                self._table(name)
        finally:
            torch.set_num_threads(before)
        return 0

    def _table(self, name: Name) -> None:
        options, tables, title, note = self.options, [], "", ""
        for seed in range(options.seeds):
            task = load(name, seed, options.part, options.scale)
            columns = [
                Column(column, f"{share:.0%} of the labels", higher_is_better=column not in LOWER)
                for share in options.shares
                for column in task.columns
            ]
            learned = cache(partial(pretrained, task, seed, self._folder(task, "encoder", seed)))
            rows = {row.name: self._row(task, row, seed, learned) for row in ROWS}
            tables.append(Table.of(f"seed {seed}", columns, rows))
            title = f"{name}: {len(task.items)} items, {len(task.asked)} are asked about, {options.seeds} seeds"
            note = f"{task.question[0].upper()}{task.question[1:]}? {NOTE}"
        write_table(options.out / name, combined(tables, title, note))

    def _row(self, task: Task, row: Row, seed: int, learned: Callable[[], AbstractEncoder]) -> list[float | None]:
        """The scores of a row, as the columns have them."""
        found = list[float | None]()
        for share in self.options.shares:
            cell = self._cell(task, row, share, seed, learned)
            print(f"{task.name}, seed {seed}, {row.name}, {share:.0%}: {in_words(cell)}", flush=True)
            found += [cell[column] for column in task.columns]
        return found

    def _cell(
        self, task: Task, row: Row, share: float, seed: int, learned: Callable[[], AbstractEncoder]
    ) -> Mapping[str, float]:
        """What was measured, or is now; the network learns without labels when the first cell asks for it."""
        starts: dict[str, Callable[[], AbstractEncoder]] = {
            "plain": task.features,
            "random": partial(task.untrained, seed),
            "pre-trained": learned,
        }

        def measure(_: Path) -> Mapping[str, float]:
            return scores(task, starts[row.start](), row.learns, share, seed)

        return measured(self._folder(task, row.folder, seed) / f"{share:g}", measure, {})  # all is in the folder's name

    def _folder(self, task: Task, name: str, seed: int) -> Path:
        options = self.options
        return options.out / task.name / f"{options.part}-{options.scale:g}-{task.learning()}" / f"{name}-{seed}"

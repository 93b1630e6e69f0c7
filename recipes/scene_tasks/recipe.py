"""The tables of scenes: encoders down, shares of the labels across, one table for every task."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, final

from gestalt.core.components.ranges import Count, PositiveShare, check_ranges
from gestalt.core.evaluation import Table, combined
from gestalt.core.experiment.cells import in_words, measured, write_table
from gestalt.core.experiment.set_by_table import check_left_alone
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.options import Training

from .depth import Depth
from .instances import Instances
from .keypoints import Keypoints
from .rows import ROWS, Row, fresh, plain, pretrained
from .scenes import TEST_SEED, Scenes, scenes
from .segmentation import Segmentation
from .task import LEAST, AbstractTask, Learning, shown, some

Name = Literal["segmentation", "instances", "depth", "keypoints"]
TASKS: Mapping[Name, AbstractTask] = {
    "segmentation": Segmentation(),
    "instances": Instances(),
    "depth": Depth(),
    "keypoints": Keypoints(),
}


def usual_training() -> Training:
    """How everything is trained if nothing else is said."""
    return Training(steps=200, batch=16, lr=2e-3, warmup=20, workers=0, threads=1)


@final
@dataclass(frozen=True)
class Options:
    """What pre-training on pictures of scenes is worth where their pixels and things are learned from few labels.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/scene-tasks")
    """Folder of the runs; every task has a folder there with its table."""
    tasks: tuple[Name, ...] = ("segmentation", "instances", "depth", "keypoints")
    """What is learned: classes of pixels, boxes and masks of things, depth, ends of outlines."""
    scenes: Count = 600
    """Scenes to learn from, 4 at least."""
    test_scenes: Count = 100
    """Scenes of items and photographs that nothing was learned from."""
    validate: bool = False
    """Ask about scenes of validation items and photographs instead: for choosing settings."""
    shares: tuple[PositiveShare, ...] = (0.01, 0.1, 1.0)
    """Shares of the labelled scenes that are shown."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    learning: Learning = Learning()
    """How heads and encoders learn from labels."""
    training: Training = field(default_factory=usual_training)
    """How the encoder learns from the pictures, by the image recipe's method."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        object.__setattr__(self, "tasks", tuple(self.tasks))
        check_ranges(self)
        check_left_alone(self.training, usual_training(), {"seed": "--seeds"})
        for name, some_of in (("shares", self.shares), ("tasks", self.tasks)):
            if not some_of:
                raise ValueError(f"{name} (--{name}) must be one at least, got none")
        if self.scenes < LEAST:
            raise ValueError(f"scenes (--scenes) must be {LEAST} at least, got {self.scenes}")


@final
class SceneTasks:
    """Rows are encoders, columns shares of the labels. It trains many heads, so it is no recipe for one run."""

    name: ClassVar[str] = "scene-tasks"
    summary: ClassVar[str] = "segmentation, instances, depth and keypoints of scenes, learned from few labels"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options
        self._learned: dict[int, AbstractEncoder] = {}

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json` of every task; the exit code."""
        options = self.options
        seen = scenes(options.scenes, 0, "train")
        asked = scenes(options.test_scenes, TEST_SEED, "validation" if options.validate else "test")
        found: dict[Name, list[Table]] = {name: [] for name in options.tasks}
        for seed in range(options.seeds):
            for name in options.tasks:
                found[name].append(self._table(name, seen, asked, seed))
        for name, tables in found.items():
            task = TASKS[name]
            part = "validation" if options.validate else "test"
            title = f"{task.title}: {len(asked)} {part} scenes, {options.seeds} seeds"
            write_table(options.out / name, combined(tables, title, task.note))
        return 0

    def _table(self, name: Name, seen: Scenes, asked: Scenes, seed: int) -> Table:
        task, shares = TASKS[name], self.options.shares
        columns = [replace(one, group=f"{share:.0%} of the labels") for share in shares for one in task.columns]
        values: dict[str, list[float | None]] = {}
        for row in ROWS:
            cells = [self._cell(name, row, seen, asked, share, seed) for share in shares]
            values[row.name] = [cell[one.name] for cell in cells for one in task.columns]
        rules = [task.rules(some(seen, shown(len(seen), share, seed)), asked) for share in shares]
        for rule in rules[0]:
            values[rule] = [said[rule][one.name] for said in rules for one in task.columns]
        return Table.of(f"seed {seed}", columns, values)

    def _cell(self, name: Name, row: Row, seen: Scenes, asked: Scenes, share: float, seed: int) -> Mapping[str, float]:
        """What was measured, or is now."""
        options = self.options
        folder = options.out / name / f"{row.folder}-{self._asked(name, row)}-{share:g}-{seed}"

        def measure(_: Path) -> Mapping[str, float]:
            labelled = some(seen, shown(len(seen), share, seed))
            encoder = self._encoder(row, seen, seed)
            return TASKS[name].scores(encoder, row.tuned, labelled, asked, options.learning, seed)

        cell = measured(folder, measure, {})  # how encoders and heads learn is in the folder's name
        print(f"{name}, seed {seed}, {row.name}, {share:.0%}: {in_words(cell)}", flush=True)
        return cell

    def _asked(self, name: Name, row: Row) -> str:
        """What a cell depends on, but for share and seed."""
        options, how = self.options, self.options.learning
        parts = [f"{options.scenes}-{options.test_scenes}" + ("-validation" if options.validate else "")]
        if row.start == "pre-trained":
            parts.append(self._learning())
        if name == "instances":
            parts.append(f"{how.detector_steps}-{how.detector_lr:g}-{how.batch}")
        elif row.tuned:
            parts.append(f"{how.tune}-{how.tune_lr:g}-{how.batch}")
        return "-".join(parts)

    def _learning(self) -> str:
        """A name for how encoders learn from pictures: of all its options."""
        training = self.options.training
        digest = hashlib.sha256(repr(training).encode()).hexdigest()[:8]
        return f"{training.steps}-{training.batch}-{training.lr:g}-{digest}"

    def _encoder(self, row: Row, seen: Scenes, seed: int) -> AbstractEncoder:
        options = self.options
        if row.start == "plain":
            return plain()
        if row.start == "fresh":
            return fresh(seed)
        if seed not in self._learned:
            training = replace(options.training, seed=seed)
            folder = f"encoder-{self._learning()}-{options.scenes}-{seed}"
            self._learned[seed] = pretrained(seen, training, options.out / folder)
        return self._learned[seed]

"""The comparison of one picture with many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, final

from gestalt.core.components.ranges import Count, check_ranges
from gestalt.core.evaluation import Column, combined
from gestalt.core.experiment.cells import in_words, measured, table_of_seed, write_table
from gestalt.core.experiment.set_by_table import check_left_alone
from gestalt.core.methods.method import AbstractMethod, wants_computed, wants_labels
from gestalt.core.methods.presets import preset_named
from gestalt.core.training.options import Training
from gestalt.modalities.image.backbones import ResNet

from ..scene_sources import Part
from .cells import STAGES, by_stage, check_asked, learner, network_of, trained
from .sources import Source, sources

RANDOM = "random network"
NOTE = (
    "Accuracy of a linear probe on the mean vectors of every stage of a ResNet-18: the class of pieces of clothing "
    "that no row learned from. All rows learn from as many pictures, for as many steps, from the same weights and "
    "views."
)


def usual_training() -> Training:
    """How everything is trained if nothing else is said."""
    return Training(steps=300, batch=64, warmup=30, workers=0, threads=1)


@final
@dataclass(frozen=True)
class Options:
    """What can be learned from one photograph and its views, beside a random network and many pictures.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/single-item")
    """Folder of the runs and of the table."""
    method: str = "simclr"
    """The name of the method that learns, without labels."""
    photograph: str = "coffee"
    """The one photograph; its name in skimage.data."""
    items: Count = 2000
    """Pictures to learn from: crops, or pieces of clothing."""
    known: Count = 1000
    """Pieces of clothing whose class the probe learns from."""
    tested: Count = 1000
    """Pieces of clothing that are asked about."""
    validate: bool = False
    """Ask about validation items instead of test items: for choosing options."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    training: Training = field(default_factory=usual_training)
    """How every network is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)
        check_left_alone(self.training, usual_training(), {"seed": "--seeds"})


@final
class SingleItem:
    """Rows are what is learned from, columns the stages of the network. It trains several networks in one run."""

    name: ClassVar[str] = "single-item"
    summary: ClassVar[str] = "what can be learned from one photograph and its views"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json`; the exit code."""
        options = self.options
        rows, method = sources(options.photograph), _method(options.method)  # refused before anything is trained
        learner(method, options.items, options.training)
        check_asked(options.known, options.tested, self._part)
        columns = [Column(stage, "linear probe") for stage in STAGES]
        tables = []
        for seed in range(options.seeds):
            found = self._seed(rows, method, replace(options.training, seed=seed))
            tables.append(table_of_seed(f"seed {seed}", columns, found))
        title = (
            f"{options.tested} {self._part} items, {options.method}, {options.training.steps} steps, "
            f"{options.seeds} seeds"
        )
        write_table(options.out, combined(tables, title, NOTE))
        return 0

    def _seed(
        self, rows: tuple[Source, ...], method: AbstractMethod, training: Training
    ) -> dict[str, Mapping[str, float]]:
        options, seed = self.options, training.seed
        asked = f"{options.known}-{options.tested}-{self._part}"
        of = f"{options.method}-{training.steps}-{training.batch}-{options.items}"
        random = options.out / f"random-{asked}-{seed}"
        found = {RANDOM: self._cell(random, lambda _: network_of(learner(method, options.items, training)), {})}
        for row in rows:

            def network(run: Path, row: Source = row) -> ResNet:
                return trained(method, row.pictures(options.items, seed), training, run)

            folder = options.out / f"{row.folder}-{of}-{asked}-{seed}"
            found[row.name] = self._cell(folder, network, {"training": training, "method": method})
            print(f"seed {seed}, {row.name}: {in_words(found[row.name])}", flush=True)
        return found

    def _cell(self, folder: Path, network: Callable[[Path], ResNet], of: Mapping[str, Any]) -> Mapping[str, float]:
        """What was measured of a network, or is now."""
        options = self.options
        return measured(folder, lambda run: by_stage(network(run), options.known, options.tested, self._part), of)

    @property
    def _part(self) -> Part:
        return "validation" if self.options.validate else "test"


def _method(name: str) -> AbstractMethod:
    """The method of that name, with its defaults.

    Raises:
        ValueError: if it needs more than pictures.
    """
    method = preset_named(name).method
    if wants_labels(method) or wants_computed(method):
        raise ValueError(f"single-item learns from pictures alone, and {name} needs labels or computed targets")
    return method

"""The comparison of one item with many."""

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
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.options import Training

from ..scene_sources import Part
from .cells import by_stage, learner, network_of, trained
from .data_sets.by_name import Name, load
from .study import Labelled, Source, Study

RANDOM = "random network"
NOTE = (
    "Accuracy of a linear probe on the mean vectors of every stage of a network ({network}): {question}, asked of "
    "items that no row learned from. All rows learn from as many items, for as many steps, from the same weights and "
    "views."
)
MOST = 1000
"""So many items with their class are taken if nothing is said, or as many as there are."""


def usual_training() -> Training:
    """How everything is trained if nothing else is said."""
    return Training(steps=300, batch=64, warmup=30, workers=0, threads=1)


@final
@dataclass(frozen=True)
class Options:
    """What can be learned from one picture, recording or molecule and its views, beside a random network and many.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/single-item")
    """Folder of the runs and of the tables, one for each data set."""
    data_set: Name = "image"
    """Photographs and clothing, recordings and single sounds, or molecules."""
    method: str = "simclr"
    """The name of the method that learns, without labels."""
    single: str | None = None
    """The one item: a photograph or a recording by its name, a drug by its line in the shipped file; none: a usual
    one."""
    items: Count = 2000
    """Items to learn from: parts of the one, of some, or as many different ones."""
    known: Count | None = None
    """Items whose class the probe learns from; none: 1000, or as many as there are."""
    tested: Count | None = None
    """Items that are asked about; none: 1000, or as many as there are."""
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
    summary: ClassVar[str] = "what can be learned from one item and its views"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json`; the exit code."""
        options = self.options
        study, method = load(options.data_set), _method(options.method)  # refused before anything is trained
        rows = study.sources(options.single or study.single)
        stages = study.stages(network_of(learner(study, method, options.items, options.training)))
        known = _as_many("known", options.known, study.labelled("train"))
        tested = _as_many("tested", options.tested, study.labelled(self._part))
        columns = [Column(stage, "linear probe") for stage in stages]
        seeds = [
            self._seed(study, rows, method, replace(options.training, seed=seed), known, tested)
            for seed in range(options.seeds)
        ]
        tables = [table_of_seed(f"seed {seed}", columns, found) for seed, found in enumerate(seeds)]
        title = (
            f"{len(tested.items)} {self._part} items, {options.method}, {options.training.steps} steps, "
            f"{options.seeds} seeds"
        )
        note = NOTE.format(network=study.network, question=study.question)
        write_table(options.out / options.data_set, combined(tables, title, note))
        return 0

    def _seed(
        self,
        study: Study,
        rows: tuple[Source, ...],
        method: AbstractMethod,
        training: Training,
        known: Labelled,
        tested: Labelled,
    ) -> dict[str, Mapping[str, float]]:
        options, seed = self.options, training.seed
        out = options.out / options.data_set
        asked = f"{len(known.items)}-{len(tested.items)}-{self._part}"
        of = f"{options.method}-{training.steps}-{training.batch}-{options.items}"

        def cell(
            folder: str, network: Callable[[Path], AbstractEncoder], told: Mapping[str, Any]
        ) -> Mapping[str, float]:
            return measured(out / folder, lambda run: by_stage(study, network(run), known, tested), told)

        found = {
            RANDOM: cell(
                f"random-{asked}-{seed}",
                lambda _: network_of(learner(study, method, options.items, training)),
                {},
            )
        }
        for row in rows:

            def network(run: Path, row: Source = row) -> AbstractEncoder:
                return trained(study, method, row.items(options.items, seed), training, run)

            found[row.name] = cell(
                f"{row.folder}-{of}-{asked}-{seed}", network, {"training": training, "method": method}
            )
            print(f"seed {seed}, {row.name}: {in_words(found[row.name])}", flush=True)
        return found

    @property
    def _part(self) -> Part:
        return "validation" if self.options.validate else "test"


def _as_many(name: str, wanted: int | None, there: Labelled) -> Labelled:
    """As many items whose class is known as are asked for.

    Raises:
        ValueError: if there are not so many.
    """
    if wanted is not None and wanted > len(there.items):
        raise ValueError(f"{name} (--{name}) must be at most {len(there.items)}, the items that ship, got {wanted}")
    return there.first(wanted or MOST)


def _method(name: str) -> AbstractMethod:
    """The method of that name, with its defaults.

    Raises:
        ValueError: if it needs more than items.
    """
    method = preset_named(name).method
    if wants_labels(method) or wants_computed(method):
        raise ValueError(f"single-item learns from items alone, and {name} needs labels or computed targets")
    return method

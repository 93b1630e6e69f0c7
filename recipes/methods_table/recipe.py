"""The table of methods."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, final

from gestalt.core.components.ranges import Count, check_ranges
from gestalt.core.components.registry import METHODS, RECIPES
from gestalt.core.evaluation import Column, Table, combined
from gestalt.core.experiment.cells import in_words, measured, table_of_seed, text_of
from gestalt.core.experiment.recipe import AbstractRecipe
from gestalt.core.methods.method import wants_labels
from gestalt.core.methods.presets import preset_named
from gestalt.core.networks.encoder import Network
from gestalt.core.storage.atomic import write_text

from .cells import CannotError, Trial
from .classes import KNN, PROBE
from .sections import Section, sections_of

PLAIN, RANDOM = "plain features", "random network"
CLASSES = (Column(KNN, "classes"), Column(PROBE, "classes"))
TRAINS = ("training", "encoder", "views")
"""Of a recipe's options, those by which every method trains."""
NOTE = (
    "All rows train the same encoder for as many steps, with batches of the same size, at the same learning rate and "
    "from the same views; every method has its installed defaults, of which none was chosen on these data. Classes are "
    "told from frozen vectors of items (of elements, where these are labelled) by neighbours and a linear head, which "
    "learn from training items; everything else is measured with the recipe's own finder."
)


@final
@dataclass(frozen=True)
class Options:
    """All methods that see no labels, on shipped data: equal steps, k-NN, probe and object metrics of test items.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/methods-table")
    """Folder of the runs and of the tables, one for each recipe."""
    recipes: tuple[str, ...] = ("audio-events", "image-objects", "video-objects", "text-spans", "molecules")
    """Recipes that ship items whose truth is known."""
    methods: tuple[str, ...] = ()
    """Methods to compare, none of which sees labels; nothing: all that are installed."""
    beside: tuple[str, ...] = ("byol-small", "simclr")
    """Methods that train the encoder in two steps, too, beside those that need one."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    steps: Count = 300
    """Optimiser steps of every method."""
    batch: Count | None = None
    """Items per step; none: as the recipe has it."""
    items: Count | None = None
    """Training items of every recipe at most; none: all. With few of them a run has several epochs, and what methods
    do by the epoch comes: prototypes thaw, labels are assigned anew, a copy of the network finds objects."""
    known: Count = 1000
    """Most training items whose classes neighbours and probe learn from."""
    tuned: bool = False
    """Fine-tune, too, where a recipe's own table does; by default frozen networks are measured alone."""
    keep_runs: bool = False
    """Keep checkpoints of every run; by default what was measured is kept alone."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.recipes:
            raise ValueError("recipes (--recipes) must name at least one recipe, got none")


@final
class MethodsTable:
    """Methods down, metrics across: a table for each recipe. It trains many methods, so it is no recipe for one run."""

    name: ClassVar[str] = "methods-table"
    summary: ClassVar[str] = "all methods that see no labels, on the same data, for as long"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json` of every recipe; the exit code."""
        options = self.options
        kinds = {name: _recipe(name) for name in options.recipes}  # refused before anything is trained
        methods = _methods(options.methods)
        beside = _methods(options.beside) if options.beside else []
        for name, kind in kinds.items():
            found = sections_of(Trial(kind, self._of(kind), options.known, options.items), methods, beside)
            texts = []
            for number, section in enumerate(found):
                table = self._section(name, section)
                text = f"## {text_of(table)}"
                write_text(options.out / name / ("table.json" if not number else "two-steps.json"), table.to_json())
                print(text)
                texts.append(text)
            write_text(options.out / name / "table.md", "\n".join(texts))
        return 0

    def _of(self, kind: type[AbstractRecipe[Any, Any]]) -> Any:
        """The options of a recipe, with those of the table."""
        base = kind.options_type()
        training = replace(base.training, steps=self.options.steps, batch=self.options.batch or base.training.batch)
        options = replace(base, training=training)
        return options if self.options.tuned or kind.tuning is None else replace(options, **{kind.tuning: 0})

    def _section(self, name: str, section: Section) -> Table:
        """All seeds of a section as one table, whose note says what could not be done."""
        options = self.options
        cannot = {preset_named(method).title: reason for method, reason in section.cannot.items()}
        seeds = [self._seed(name, section, seed, cannot) for seed in range(options.seeds)]
        filled = {metric for rows in seeds for row in rows.values() for metric in row}
        columns = [column for column in (*CLASSES, *section.trial.recipe.columns) if column.name in filled]
        tables = [
            table_of_seed(f"{name}, seed {seed}", columns, rows | {row: {} for row in cannot if row not in rows})
            for seed, rows in enumerate(seeds)
        ]
        title = f"{name}, encoder {section.encoder}, {options.steps} steps, {options.seeds} seeds"
        said = "".join(f" {row} has no numbers: {reason.rstrip('.')}." for row, reason in cannot.items())
        return combined(tables, title, NOTE + said)

    def _seed(self, name: str, section: Section, seed: int, cannot: dict[str, str]) -> dict[str, Mapping[str, float]]:
        """The cells of one seed; one that cannot be filled is left out, and its reason is put down."""
        trial, base = section.trial.with_seed(seed), self.options.out / name
        folder, batch = base / section.encoder, trial.options.training.batch
        rows = {PLAIN: self._cell(trial, base / f"plain-{self.options.known}-{seed}", lambda _: trial.plain(), {})}
        for method, preset in section.methods.items():
            if RANDOM not in rows:  # any method that can learn there begins with it
                rows[RANDOM] = self._cell(
                    trial,
                    folder / f"random-{self.options.known}-{seed}",
                    lambda _, preset=preset: trial.random(preset.method),  # type: ignore[misc]
                    {"encoder": trial.options.encoder},
                )
            among = "" if self.options.items is None else f"-of-{self.options.items}"
            place = folder / f"{method}-{self.options.steps}-{batch}{among}-{self.options.known}-{seed}"
            try:
                rows[preset.title] = self._cell(
                    trial,
                    place,
                    lambda run, preset=preset: trial.trained(preset.method, run).online,  # type: ignore[misc]
                    {name: getattr(trial.options, name) for name in TRAINS}
                    | {"method": preset.method}
                    | ({} if self.options.items is None else {"items": self.options.items}),
                )
            except CannotError as error:
                cannot[preset.title] = f"{error} (seed {seed})"
                continue
            print(f"{name}, seed {seed}, {preset.title}: {in_words(rows[preset.title])}", flush=True)
        return rows

    def _cell(
        self, trial: Trial, folder: Path, network: Callable[[Path], Network], of: Mapping[str, Any]
    ) -> Mapping[str, float]:
        """What was measured of a network, or is now."""
        recipe = trial.recipe
        how = {name: getattr(trial.options, name) for name in recipe.free} | {"finder": recipe.finder}
        return measured(folder, lambda run: trial.measured(network(run)), {**of, **how}, self.options.keep_runs)


def _recipe(name: str) -> type[AbstractRecipe[Any, Any]]:
    """A recipe that ships data with a truth.

    Raises:
        ValueError: if it ships none.
    """
    kind: Any = RECIPES.load(name)
    own = None
    if isinstance(kind, type) and issubclass(kind, AbstractRecipe):
        try:
            own = kind.options_type()
        except TypeError:  # an option without a default: the user's own data, say
            own = None
    if own is None or not getattr(kind, "columns", ()):
        raise ValueError(f"methods-table takes recipes that ship items whose truth is known, and {name} ships none")
    found: type[AbstractRecipe[Any, Any]] = kind
    return found


def _methods(names: Sequence[str]) -> list[str]:
    """The methods of these names; all that see no labels, if none is named.

    Raises:
        ValueError: for one that sees labels, or that is not installed.
    """
    for name in names:
        if wants_labels(preset_named(name).method):
            raise ValueError(f"methods-table compares methods that see no labels, and {name} learns from some")
    return list(names) or [name for name in METHODS.names() if not wants_labels(preset_named(name).method)]

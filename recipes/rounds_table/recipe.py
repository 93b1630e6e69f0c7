"""The table of rounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

from gestalt.core.components.ranges import Between, Count, check_ranges
from gestalt.core.components.registry import RECIPES
from gestalt.core.evaluation import Column, Table, combined
from gestalt.core.experiment.cells import in_words, measured, table_of_seed, write_table
from gestalt.core.experiment.recipe import AbstractRecipe
from gestalt.core.methods.odin_rounds import OdinRounds

from .cells import Parts, chosen_and_measured, first_segments_measured, threshold_of, trained
from .rows import ROWS, Row

FIRST = "the first segments themselves"
NOTE = (
    "Each row trains the recipe's own method with one part replaced, and its threshold is the one of those given that "
    "is best on validation items. Rows of as many rounds have as many steps and the same learning rates."
)


@final
@dataclass(frozen=True)
class Options:
    """What rounds, transplants and the comparison of elements with objects are worth, on test items.

    A cell that is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/rounds-table")
    """Folder of the runs and of the tables, one for each recipe."""
    recipes: tuple[str, ...] = ("image-objects", "audio-events")
    """Recipes whose method learns in rounds."""
    seeds: Count = 5
    """How many seeds, from 0 on."""
    every: Count | None = None
    """Steps of a round; none: as the recipe has it."""
    thresholds: tuple[Annotated[float, Between(0.0, 2.0)], ...] = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    """Thresholds of the grouper to choose from; that of the recipe is always among them."""
    keep_runs: bool = False
    """Keep checkpoints and segments of every run; by default what was measured is kept alone."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.recipes:
            raise ValueError("recipes (--recipes) must name at least one recipe, got none")


@final
class RoundsTable:
    """Rounds against first segments throughout, with and without transplants, elements against pooled objects."""

    name: ClassVar[str] = "rounds-table"
    summary: ClassVar[str] = "what rounds, transplants and comparing elements are worth"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json` of every recipe; the exit code."""
        kinds = {name: _recipe(name) for name in self.options.recipes}  # refused before anything is trained
        for name, kind in kinds.items():
            tables = [self._seed(kind, name, seed) for seed in range(self.options.seeds)]
            write_table(self.options.out / name, combined(tables, f"{name}, {self.options.seeds} seeds", NOTE))
        return 0

    def _seed(self, kind: type[AbstractRecipe[Any, Any]], name: str, seed: int) -> Table:
        base = kind.options_type()
        options = replace(base, training=replace(base.training, seed=seed))
        every = self.options.every or options.method.rounds.every
        columns = (*kind(options).columns, Column("threshold", "", None))  # type: ignore[call-arg]
        first = self.options.out / name / f"first-{seed}"
        rows = {FIRST: measured(first, lambda _: first_segments_measured(Parts.of(kind, options)), {})}
        for row in ROWS:
            folder = self.options.out / name / f"{row.folder}-{every}-{seed}"
            told = self._told(options, row, every)
            finder = kind(told).finder  # type: ignore[call-arg]
            of = {"training": told.training, "method": told.method, "finder": finder}
            of["thresholds"] = self._thresholds(kind, told)
            rows[row.name] = measured(folder, self._measure(kind, told), of, self.options.keep_runs)
            print(f"{name}, seed {seed}, {row.name}: {in_words(rows[row.name])}", flush=True)
        return table_of_seed(f"{name}, seed {seed}", columns, rows)

    def _told(self, options: Any, row: Row, every: int) -> Any:
        """The recipe's options as a row has them."""
        training = replace(options.training, steps=every * row.rounds)
        return replace(options, method=row.method(options.method, every), training=training)

    def _thresholds(self, kind: type[AbstractRecipe[Any, Any]], options: Any) -> list[float]:
        return sorted({*self.options.thresholds, threshold_of(kind(options).finder)})  # type: ignore[call-arg]

    def _measure(self, kind: type[AbstractRecipe[Any, Any]], options: Any) -> Callable[[Path], Mapping[str, float]]:
        return lambda run: self._measured(kind, options, run)

    def _measured(self, kind: type[AbstractRecipe[Any, Any]], options: Any, run: Path) -> Mapping[str, float]:
        parts = Parts.of(kind, options)
        recipe, data = parts.test
        instances = [column.name for column in recipe.columns if column.group == "instances"]
        learner = trained(recipe, data, run)
        return chosen_and_measured(learner.online, parts, self._thresholds(kind, options), instances)


def _recipe(name: str) -> type[AbstractRecipe[Any, Any]]:
    """A recipe whose method learns in rounds.

    Raises:
        ValueError: if it learns otherwise.
    """
    kind: type[AbstractRecipe[Any, Any]] = RECIPES.load(name)
    method = kind.options_type().method if issubclass(kind, AbstractRecipe) else None
    if not isinstance(method, OdinRounds):
        raise ValueError(f"rounds-table takes recipes whose method is odin-rounds, and that of {name} is {method}")
    return kind

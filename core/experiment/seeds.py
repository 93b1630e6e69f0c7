"""The table of a recipe over several seeds: `gestalt table RECIPE`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from ..components.ranges import Count, check_ranges
from ..evaluation import Table, combined, to_markdown
from ..storage.atomic import write_text
from ..storage.damage import read_or_name
from .recipe import AbstractRecipe
from .run import run
from .seed_agreement import agreement_of_seeds, said


@final
@dataclass(frozen=True)
class Seeds:
    """The table of a recipe: its method, others to compare with, and all baselines, once per seed.

    A seed whose table is there already is not run again, so the command can be stopped and repeated.
    """

    out: Path
    """Folder of the runs, one for each seed, and of the table."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    compare: tuple[str, ...] = ("byol-small",)
    """Further methods to train for as long; `gestalt methods` lists them."""
    steps: Count | None = None
    """Optimiser steps of each run; none takes the recipe's."""
    validate: bool = False
    """Evaluate on validation data instead of test data: for choosing options."""

    def __post_init__(self) -> None:
        check_ranges(self)


def run_seeds(recipe: type[AbstractRecipe[Any, Any]], seeds: Seeds) -> int:
    """Run every seed of a recipe with its default options, then write `table.md` and `table.json`."""
    base, tables, folders = recipe.options_type(), [], []
    for seed in range(seeds.seeds):
        training = replace(base.training, seed=seed, steps=seeds.steps or base.training.steps)
        running = replace(
            base.running,
            out=seeds.out / f"seed-{seed}",
            resume=True,
            compare=seeds.compare,
            validate=seeds.validate,
        )
        result = running.out / "table.json"
        if not result.is_file():
            code = run(recipe(replace(base, running=running, training=training)))  # type: ignore[call-arg]
            if code:
                return code
        folders.append(running.out)
        tables.append(table_in(result))
    title = f"{tables[0].title.rpartition(',')[0]}, {seeds.seeds} seeds"
    last = recipe(replace(base, running=replace(base.running, validate=seeds.validate)))  # type: ignore[call-arg]
    agreement = said(agreement_of_seeds(folders, last.modality, last.data().evaluated))
    table = combined(tables, title, f"{tables[0].note} {agreement}".strip())
    write_text(seeds.out / "table.json", table.to_json())
    write_text(seeds.out / "table.md", to_markdown(table) + "\n")
    print(to_markdown(table))
    if agreement:
        print(f"\n{agreement}")
    return 0


def table_in(path: Path) -> Table:
    """The table that a finished run wrote.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    advice = "remove the file, and its run is made again"
    return read_or_name(path, lambda _: Table.from_json(path.read_text(encoding="utf-8")), advice)

"""The report of a run."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..discovery.finder import ObjectFinder
from ..evaluation.table import Table
from ..methods.presets import title_of
from ..methods.step import AbstractLearner
from ..modality.optional import ReadsContext
from ..modality.windows import Jittered
from ..report import Page, draw, read_columns, write_report
from ..storage.atomic import write_text
from ..storage.names_of_runs import METRICS, REPORT
from ..training.ended import TrainingResult
from ..training.folder import plain
from .first_looks import first_looks
from .in_whole import predictions_in_whole
from .mask_table import mask_table
from .predictions import Predictions, predictions_of
from .recipe import SHOWN, AbstractRecipe, ExperimentData
from .report_parts import charts, commands, exhibit, facts, loaded, shown_truth, summary
from .round_exhibits import round_exhibits

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")


def report(
    recipe: AbstractRecipe[ItemT, TruthT],
    data: ExperimentData[ItemT, TruthT],
    trained: TrainingResult,
    random: AbstractLearner[Any],
    learner: AbstractLearner[Any],
    others: Mapping[str, AbstractLearner[Any]],
) -> None:
    """Evaluate the network, write `table.json` where there is a truth (or masks), and `report.html`.

    `random` is the learner before training, `others` are learners to compare with, by name.
    """
    options, out = recipe.options, recipe.options.running.out

    def found(of: AbstractLearner[Any], items: Sequence[ItemT]) -> Predictions:
        finder: ObjectFinder = of.finder or recipe.finder
        exact = data.items.with_jitter(False) if isinstance(data.items, Jittered) else data.items
        if data.places and isinstance(exact, ReadsContext):
            return predictions_in_whole(of.online, recipe.modality, exact, data.places, finder)
        return predictions_of(of.online, recipe.modality, items, finder)

    before, after = found(random, data.evaluated[:SHOWN]), found(learner, data.evaluated)
    tables: tuple[Table, ...] = ()
    if data.truth is not None:
        rows = recipe.baselines(random.online, data, data.truth)
        for name, other in others.items():
            rows[name] = recipe.measure(found(other, data.evaluated), data.truth)
        rows[title_of(options.method)] = recipe.measure(after, data.truth)
        tables = (table(recipe, rows, len(data.evaluated)),) if recipe.columns else ()
    if data.masked is not None:
        tables = (*tables, mask_table(recipe, data.masked, random, learner))
    if tables:
        write_text(out / "table.json", tables[0].to_json())
    metrics = read_columns(out / METRICS)
    page = Page(
        title=recipe.captions.title,
        summary=summary(recipe, data, after),
        facts=facts(recipe, data, trained),
        looks=first_looks(recipe, data, trained, after, tables, metrics),
        warnings=trained.warnings,
        skipped=data.skipped + trained.skipped,
        damaged=data.damaged,
        pictures=draw(metrics, charts(recipe)),
        exhibits=(
            *(exhibit(recipe, data, place, before, after) for place in range(min(SHOWN, len(data.evaluated)))),
            *round_exhibits(recipe, data),
        ),
        exhibits_note=f"{recipe.captions.exhibits} {shown_truth(recipe, data)}".strip(),
        tables=tables,
        commands=commands(recipe),
        snippet=f"import gestalt\n\nmodel = gestalt.load({loaded(recipe)})  # model.encoder: {recipe.captions.snippet}",
        configuration=plain(options),
    )
    write_report(out / REPORT, page)
    print(f"report: {out / REPORT}")


def table(recipe: AbstractRecipe[ItemT, TruthT], rows: dict[str, dict[str, float]], evaluated: int) -> Table:
    """The rows of one seed as a table."""
    part = "validation" if recipe.options.running.validate else "test"
    title = f"{evaluated} {part} items, seed {recipe.options.training.seed}"
    values: dict[str, Sequence[float | None]] = {
        name: [row.get(column.name) for column in recipe.columns] for name, row in rows.items()
    }
    return Table.of(title, recipe.columns, values, recipe.note, recipe.ceilings)

"""What somebody should look at first in a report, in words, each with the section that shows it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..data.items import Skipped
from ..evaluation.table import Table
from ..methods.presets import title_of
from ..report import Look
from ..training.ended import TrainingResult
from .announced import thing, things
from .predictions import Predictions
from .recipe import AbstractRecipe, ExperimentData

SAME = 1.05
"""Objects per item below which an item is one object."""
STILL = 0.02
"""The share by which the loss falls over the last quarter of training where it still falls."""


def first_looks(
    recipe: AbstractRecipe[Any, Any],
    data: ExperimentData[Any, Any],
    trained: TrainingResult,
    after: Predictions,
    tables: Sequence[Table],
    metrics: Mapping[str, Sequence[float]],
) -> tuple[Look, ...]:
    """What to look at, the most urgent first: warnings, files left out, objects, the table, the loss, how to go on."""
    looks = list[Look]()
    if trained.warnings:
        looks.append(Look("What the warnings say comes first: objects and numbers may mean little before.", "warnings"))
    left_out = [*data.skipped, *trained.skipped]
    if left_out:
        looks.append(Look(left_out_said(left_out), "skipped"))
    looks.append(Look(objects_said(recipe.captions.objects, after.objects() / max(len(data.evaluated), 1)), "objects"))
    if tables:
        said = standing(tables[0], title_of(recipe.options.method))
        looks += [Look(said, "results")] if said else []
    said = loss_said(metrics.get("loss", ()), recipe.options.training.steps)
    looks += [Look(said, "learning")] if said else []
    looks.append(Look("Commands and code that go on from this run are ready to be copied.", "next"))
    return tuple(looks)


def left_out_said(files: Sequence[Skipped]) -> str:
    """What to ask of what was left out.

    Example:
        >>> left_out_said([Skipped("a.wav", "is silent")])
        'One file was left out: is it the one that you expect?'
        >>> left_out_said([Skipped("a.csv:7", "is no row"), Skipped("b.csv:9", "is no row")])
        '2 parts of files were left out: are these the ones that you expect?'
    """
    if len(files) == 1:
        return f"One {thing(files)} was left out: is it the one that you expect?"
    return f"{things(files)} were left out: are these the ones that you expect?"


def objects_said(word: str, each: float) -> str:
    """What to ask of the pictures.

    Example:
        >>> objects_said("events", 3.2)
        'Do the colours fall on what you would call events? There are 3.2 in an item on average.'
    """
    if each < SAME:
        return (
            f"There are {each:.1f} {word} in an item: nothing is told apart. Choose another grouper or more objects "
            "(--finder.grouper), or train for longer."
        )
    return f"Do the colours fall on what you would call {word}? There are {each:.1f} in an item on average."


def standing(table: Table, method: str) -> str:
    """How the method stands beside the best other row by the first measure that has a better; nothing without any.

    Example:
        >>> from gestalt.core.evaluation.table import Column
        >>> standing(Table.of("", (Column("ARI"),), {"k-means": [0.5], "a rule": [0.7], "Odin": [0.6]}), "Odin")
        'By ARI, Odin (0.60) is below a rule (0.70): the table shows all.'
    """
    number = next((n for n, column in enumerate(table.columns) if column.higher_is_better is not None), None)
    rows = {row.method: place for place, row in enumerate(table.rows) if not row.ceiling}
    if number is None or method not in rows:
        return ""
    column = table.columns[number]
    means = {name: table.cell(place, number).mean for name, place in rows.items()}
    others = {name: mean for name, mean in means.items() if name != method and math.isfinite(mean)}
    own = means[method]
    if not others or not math.isfinite(own):
        return ""
    best = (max if column.higher_is_better else min)(others, key=lambda name: others[name])
    shown, rival = column.show(own), column.show(others[best])
    better = (own > others[best]) == column.higher_is_better
    word = "level with" if shown == rival else "better than" if better else "worse than"
    if column.higher_is_better:
        word = word.replace("better than", "above").replace("worse than", "below")
    return f"By {column.name}, {method} ({shown}) is {word} {best} ({rival}): the table shows all."


def loss_said(losses: Sequence[float], steps: int) -> str:
    """Whether the loss still falls at the end, or never did; nothing where it has settled, or was logged too seldom.

    Example:
        >>> loss_said([4.0, 3.0, 2.0, 1.5, 1.2, 1.0, 0.9, 0.8], steps=400)
        'The loss still falls at the end: twice the steps (--steps 800) may find more.'
    """
    known = [loss for loss in losses if math.isfinite(loss)]
    if len(known) < 8:
        return ""
    quarter = len(known) // 4
    parts = [known[:quarter], known[-2 * quarter : -quarter], known[-quarter:]]
    first, before, last = (sum(part) / len(part) for part in parts)
    if last >= first:
        return "The loss is no lower at the end than in the beginning: try a lower learning rate, or look at the views."
    if before - last > STILL * abs(before):
        return f"The loss still falls at the end: twice the steps (--steps {2 * steps}) may find more."
    return ""

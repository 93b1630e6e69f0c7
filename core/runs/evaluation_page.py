"""The page of an evaluation: scores with intervals, curves over the labels, reliability, confusion."""

import math
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import torch

from ..data.items import Skipped
from ..evaluation.protocols.results import ByClass, Evaluation, Result
from ..evaluation.table import Column, Table
from ..report import Chart, Page, Picture, draw

LOWER_IS_BETTER = frozenset({"rmse", "calibration_error", "eer", "false_reject"})
SHOWN_CLASSES = 20
"""The commonest classes have a row and a column on the page; `scores.json` has all."""
LABELS, CONFIDENCE = "training labels used (%)", "confidence"


def page_of(found: Evaluation, run: Path, skipped: Sequence[Skipped] = (), damaged: Sequence[Skipped] = ()) -> Page:
    """The page; everything else is written as data beside it."""
    protocols = [list(results) for _, results in groupby(found.results, lambda one: one.protocol)]
    detailed = [results[-1] for results in protocols if results[-1].by_class is not None]
    tables = [_scores(results) for results in protocols]
    for one in detailed:
        assert one.by_class is not None
        tables += [_classes(one, one.by_class), _confusion(one, one.by_class)]
    return Page(
        title=f"Evaluation of {run.name}",
        summary=(
            "How much labels can be read off the vectors of this run, by protocol. Brackets are 95 % confidence "
            "intervals by bootstrap over groups of rows that belong together (files, wholes)."
        ),
        facts=(*found.facts, ("version", f"gestalt {version('gestalt-ssl')}, torch {torch.__version__}")),
        warnings=tuple(f"{name} was left out: it {reason}" for name, reason in found.left_out),
        skipped=tuple(skipped),
        damaged=tuple(damaged),
        pictures=(*_curves(protocols), *_reliabilities(detailed)),
        tables=tuple(tables),
        kicker="Gestalt evaluation",
        pictures_title="Curves",
    )


def _scores(results: Sequence[Result]) -> Table:
    """A row per variant; of every metric the value and the bounds of its interval."""
    metrics = list(results[0].scores)
    columns = [
        column
        for metric in metrics
        for column in (
            Column("score", _words(metric), metric not in LOWER_IS_BETTER, 3),
            Column("from", _words(metric), None, 3),
            Column("to", _words(metric), None, 3),
        )
    ]
    rows: dict[str, Sequence[float | None]] = {}
    for one in results:
        found = (one.scores[metric] for metric in metrics)
        numbers = [number for score in found for number in (score.value, score.interval.low, score.interval.high)]
        rows[one.variant or one.title] = [None if math.isnan(number) else number for number in numbers]
    one = results[0]
    draws = f", mean of {one.draws} draws" if one.draws > 1 else ""
    notes = "; ".join(f"{result.variant}: {result.note}" for result in results if result.note)
    return Table.of(f"{one.title}: {one.rows} rows of {one.groups} groups{draws}", columns, rows, notes)


def _classes(one: Result, found: ByClass) -> Table:
    columns = (Column("precision"), Column("recall"), Column("F1"), Column("rows", higher_is_better=None, digits=0))
    table = found.table()
    rows: dict[str, Sequence[float | None]] = {
        found.names[place]: [None if math.isnan(value) else value for value in table[place].values()]
        for place in _commonest(found)
    }
    return Table.of(f"{_named(one)}: by class", columns, rows, _rest(found))


def _confusion(one: Result, found: ByClass) -> Table:
    shown = _commonest(found)
    columns = [Column(found.names[place], "given", None, 0) for place in shown]
    rows: dict[str, Sequence[float | None]] = {
        found.names[true]: [float(found.confusion[true, given]) for given in shown] for true in shown
    }
    return Table.of(f"{_named(one)}: true classes down, given classes across", columns, rows, _rest(found))


def _curves(protocols: Sequence[Sequence[Result]]) -> Iterator[Picture]:
    """The chief score over the share of the labels, for protocols with several shares."""
    for results in protocols:
        points = sorted((one for one in results if not math.isnan(one.share)), key=lambda one: one.share)
        if len(points) < 2:
            continue
        metric, *_ = points[0].scores
        scores = [one.scores[metric] for one in points]
        columns = {
            LABELS: [100 * one.share for one in points],
            "value": [score.value for score in scores],
            "low": [score.interval.low for score in scores],
            "high": [score.interval.high for score in scores],
        }
        lines = (("value", _words(metric)), ("low", "95 % from"), ("high", "to"))
        yield from draw(
            columns, (Chart(f"{points[0].title}: what labels are worth", _words(metric), lines, along=LABELS),)
        )


def _reliabilities(detailed: Sequence[Result]) -> Iterator[Picture]:
    """Accuracy over confidence: above the line of equality a classifier is surer than it knows."""
    for one in detailed:
        bins = None if one.by_class is None else one.by_class.reliability
        if bins is None:
            continue
        there = bins.count > 0
        sure = bins.confidence[there].tolist()
        columns = {CONFIDENCE: sure, "accuracy": bins.accuracy[there].tolist(), "equal": sure}
        caption = f"{_named(one)}: reliability; expected calibration error {bins.error:.3f}"
        lines = (("accuracy", "accuracy"), ("equal", "as right as sure"))
        yield from draw(columns, (Chart(caption, "accuracy", lines, low=0.0, along=CONFIDENCE),))


def _commonest(found: ByClass) -> list[int]:
    order: list[int] = found.confusion.sum(dim=1).argsort(descending=True, stable=True)[:SHOWN_CLASSES].tolist()
    return sorted(order)


def _rest(found: ByClass) -> str:
    left = len(found.names) - SHOWN_CLASSES
    return f"The {SHOWN_CLASSES} commonest classes; scores.json has the other {left} too." if left > 0 else ""


def _named(one: Result) -> str:
    return f"{one.title}, {one.variant}" if one.variant else one.title


def _words(metric: str) -> str:
    return metric.replace("_", " ")

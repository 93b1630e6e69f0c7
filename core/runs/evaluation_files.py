"""An evaluation in files: JSON with everything, a table of all scores, and a page."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..data.items import Skipped
from ..evaluation.protocols.results import ByClass, Evaluation, Result
from ..report import write_report
from ..storage.atomic import write_text
from ..storage.csv_file import TableWriter
from ..storage.text_file import open_text
from .evaluation_page import page_of

COLUMNS = ("protocol", "variant", "metric", "value", "low", "high", "spread", "draws", "rows", "groups")


def write_evaluation(
    folder: Path, found: Evaluation, run: Path, skipped: Sequence[Skipped] = (), damaged: Sequence[Skipped] = ()
) -> None:
    """Write `scores.json`, `scores.csv` (a row per protocol, variant and metric) and `evaluation.html`."""
    write_text(
        folder / "scores.json", json.dumps(as_json(found, run), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    )
    with open_text(folder / "scores.csv") as file:
        table = TableWriter(file, COLUMNS)
        for one in found.results:
            for metric, score in one.scores.items():
                numbers = score.value, score.interval.low, score.interval.high, score.spread
                cells = ("" if math.isnan(number) else f"{number:.6g}" for number in numbers)
                table.row((one.protocol, one.variant, metric, *cells, one.draws, one.rows, one.groups))
    write_report(folder / "evaluation.html", page_of(found, run, skipped, damaged))


def as_json(found: Evaluation, run: Path) -> Any:
    """The evaluation as JSON, with null for what is not a number."""
    results = [_result(one) for one in found.results]
    left_out = [{"protocol": name, "reason": reason} for name, reason in found.left_out]
    return _plain({"run": str(run), "facts": dict(found.facts), "results": results, "left_out": left_out})


def _result(one: Result) -> dict[str, Any]:
    scores = {
        metric: {
            "value": score.value,
            "low": score.interval.low,
            "high": score.interval.high,
            "spread": score.spread,
        }
        for metric, score in one.scores.items()
    }
    fields = {
        "protocol": one.protocol,
        "title": one.title,
        "variant": one.variant,
        "share_of_labels": one.share,
        "note": one.note,
        "rows": one.rows,
        "groups": one.groups,
        "draws": one.draws,
        "scores": scores,
    }
    return fields | ({} if one.by_class is None else {"classes": _classes(one.by_class)})


def _classes(found: ByClass) -> dict[str, Any]:
    bins = found.reliability
    return {
        "names": found.names,
        "confusion": found.confusion.tolist(),
        "by_class": dict(zip(found.names, found.table(), strict=True)),
        "reliability": None
        if bins is None
        else {
            "count": bins.count.tolist(),
            "confidence": bins.confidence.tolist(),
            "accuracy": bins.accuracy.tolist(),
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value

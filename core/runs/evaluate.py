"""A finished run judged by labelled data, in files: `gestalt evaluate`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..components.precision import FULL, Precision
from ..data.items import AbstractItems
from ..evaluation.protocols import Evaluation, protocols_of
from ..modality.base import AbstractModality
from ..training.labels import Labels
from .evaluation_files import write_evaluation
from .evaluation_options import Evaluating
from .output_folder import OutputFolder
from .saving import load
from .stream import Stream


def evaluate(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    labels: Path | None = None,
    masks: Path | None = None,
    protocols: str | None = None,
    options: Evaluating | None = None,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
    shipped: tuple[AbstractItems[Any], Labels] | None = None,
    precision: Precision = FULL,
) -> int:
    """Carry out evaluation protocols, and write `scores.json`, `scores.csv` and `evaluation.html`.

    Args:
        run, paths, out, skip_bad, modality, device, precision: as `discover`.
        labels: a table, or the word `folders`.
        masks: that come with the data.
        protocols: see `protocols_of`; None for the answers of a model, and of a run for k-NN, a probe and clusters.
        options: splits, groups, and how labels are read.
        shipped: items with labels in place of `paths`.

    Returns:
        The exit code, 0.

    Raises:
        BadItemError: for the first file or item that cannot be used, unless `skip_bad`.
        ValueError: see `Evaluator.evaluate`.
        OSError: if `out` cannot be written to, holds other files, or the run is none.
    """
    asked, options = None if protocols is None else protocols_of(protocols), options or Evaluating()
    read = [*paths, *(path for path in options.test if not _within(path, paths))]
    beside = [path for path in (labels, masks, options.split) if path is not None and path.exists()]
    with OutputFolder(out, [*read, *beside]).writing() as folder:
        model = load(run, device, modality, precision)
        stream: Stream[Any] | None
        known: Labels | Path | None
        if shipped is None:
            stream = Stream.of(model, read, skip_bad)
            items, skipped, known = stream.items, stream.skipped, labels
        else:
            stream, items, skipped, known = None, shipped[0], None, shipped[1]
        found = model.evaluated(items, skipped, known, masks, asked, options)
        if skipped:
            skipped[:] = dict.fromkeys(skipped)  # items are read once for every protocol
        damaged = () if stream is None else stream.damaged
        write_evaluation(folder, found, run, skipped or (), damaged)
        said = "" if stream is None else stream.write_skipped(folder)
    print(*(f"{name}: {text}" for name, text in found.facts), sep="\n", file=sys.stderr)
    print(*lines_of(found), sep="\n")
    print(f"written to {out}: scores.json, scores.csv, evaluation.html{said}")
    return 0


def lines_of(found: Evaluation) -> list[str]:
    """The chief score of every variant with its interval, and what was left out."""
    lines = []
    for one in found.results:
        name, score = next(iter(one.scores.items()))
        interval = score.interval
        bounds = f" [{interval.low:.3f}, {interval.high:.3f}]" if interval.low == interval.low else ""
        lines.append(f"{one.title}{', ' if one.variant else ''}{one.variant}: {name} {score.value:.3f}{bounds}")
    return lines + [f"left out {name}: it {reason}" for name, reason in found.left_out]


def _within(path: Path, others: Sequence[Path]) -> bool:
    place = Path(os.path.abspath(path))
    return any(Path(os.path.abspath(other)) in (place, *place.parents) for other in others)

"""What the task head of a finished run says of new data, in files: `gestalt predict`."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..data.items import Skipped
from ..modality.base import AbstractModality
from ..storage.atomic import write_text
from ..storage.naming import counted
from .output_folder import OutputFolder
from .results import ItemPrediction
from .saving import load


def predict(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """Write `predictions.csv` (item, best class, one column per class or value) and `predictions.jsonl`.

    The arguments and errors are those of `discover`.

    Returns:
        The exit code, 0.

    Raises:
        ValueError: if the run has no task head, or nothing can be read.
    """
    with OutputFolder(out, paths).writing() as folder:
        model = load(run, device, modality)
        skipped: list[Skipped] | None = [] if skip_bad else None
        found = list(model.predictions(list(paths), skipped))
        if not found:
            last = (skipped or [Skipped(str(out), "there are no items")])[-1]
            raise ValueError(f"no item can be read; {last.name}: {last.reason}")
        write_text(folder / "predictions.csv", _table(found))
        lines = (json.dumps({"item": one.name, "scores": one.scores}, ensure_ascii=False) for one in found)
        write_text(folder / "predictions.jsonl", "".join(f"{line}\n" for line in lines))
        if skipped:
            write_text(folder / "skipped.txt", "".join(f"{one.name}: {one.reason}\n" for one in skipped))
    left_out = f"; {len(skipped)} left out, skipped.txt says what and why" if skipped else ""
    print(f"predictions of {counted(len(found), 'item')}, written to {out}{left_out}")
    return 0


def _table(found: Sequence[ItemPrediction]) -> str:
    """One row per item; `best` only where there are several classes."""
    names = list(found[0].scores)
    several = len(names) > 1
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["item", *(["best"] if several else []), *names])
    for one in found:
        scores = [f"{one.scores[name]:.6g}" for name in names]
        writer.writerow([one.name, *([one.best] if several else []), *scores])
    return text.getvalue()

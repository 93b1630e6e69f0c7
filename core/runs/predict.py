"""What the task head of a finished run says of new data, in files: `gestalt predict`."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from ..modality.base import AbstractModality
from ..storage.csv_file import TableWriter
from ..storage.naming import counted
from ..storage.text_file import open_text
from .output_folder import OutputFolder
from .results import ItemPrediction
from .saving import load
from .stream import Stream


def predict(
    run: Path,
    paths: Sequence[Path],
    out: Path,
    skip_bad: bool = False,
    modality: AbstractModality[Any] | str | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """Write `predictions.csv` (item, best class, one column per class or value) and `predictions.jsonl`.

    Items are read a few at a time, and written when they are read. Names that a spreadsheet would take for formulas are
    marked in the table (see `TableWriter`); the JSON Lines have them as they are.

    The arguments and errors are those of `discover`.

    Returns:
        The exit code, 0.

    Raises:
        ValueError: if the run has no task head, or nothing can be read.
    """
    with OutputFolder(out, paths).writing() as folder:
        model = load(run, device, modality)
        stream = Stream.of(model, paths, skip_bad)
        count = _write(stream.predictions(), folder)
        left_out = stream.write_skipped(folder)
    print(f"predictions of {counted(count, 'item')}, written to {out}{left_out}")
    return 0


def _write(found: Iterable[ItemPrediction], folder: Path) -> int:
    """Both files, item by item; `best` only where there are several classes. How many items there were."""
    count = 0
    with open_text(folder / "predictions.csv") as file, open_text(folder / "predictions.jsonl") as lines:
        table: TableWriter | None = None
        for one in found:
            count += 1
            several = len(one.scores) > 1
            if table is None:
                table = TableWriter(file, ("item", *(["best"] if several else []), *one.scores))
            table.row((one.name, *([one.best] if several else []), *(f"{score:.6g}" for score in one.scores.values())))
            lines.write(json.dumps({"item": one.name, "scores": one.scores}, ensure_ascii=False) + "\n")
    return count

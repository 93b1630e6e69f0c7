"""The files that the package writes and reads again: runs, checkpoints, kept segments, lists of outputs."""

import io
import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import gestalt
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.evaluation.table import Column, Row, Table
from gestalt.core.experiment.seeds import table_in
from gestalt.core.networks.local_checkpoint import load_weights
from gestalt.core.report.curves import read_columns
from gestalt.core.runs.output_folder import OutputFolder
from gestalt.core.training.checkpoint import load_checkpoint
from gestalt.core.training.data_record import DataRecord
from gestalt.core.training.folder import RunFolder, plain
from gestalt.core.training.kept_segments import KeptSegments
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from gestalt.core.training.round_signs import RoundSigns, read_signs, write_signs
from gestalt.modalities.text import Text
from tests.tiny_runs import tiny_run

from .formats import Format

SMALL = Text(window=3, vocabulary=300)
ROUND = ItemMasks(torch.tensor([0, 0, 1, -1, 2, 2]), Grid.uniform((2, 3), (1.0, 1.0)))


def in_folder(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@cache
def _run() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        return in_folder(tiny_run(Path(folder), SMALL, width=8))


def _loaded(path: Path, _: bool) -> None:
    gestalt.load(path.parent)


def _saved(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _checkpoint() -> dict[str, bytes]:
    return {"checkpoint.pt": _saved({"step": 3, "learner": {"weight": torch.ones(3)}, "signs": [1.0, None, "a"]})}


def _kept() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        KeptSegments(Path(folder), 2).write(0, {0: ROUND, 1: ItemMasks(torch.tensor([0, 1]), None)})
        return in_folder(Path(folder))


def _segments(path: Path, _: bool) -> None:
    kept = KeptSegments(path.parent, 2)
    for item in range(2):
        kept.of_item(item, None)


def _record() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        DataRecord.of([Path(folder)], 3).write(Path(folder))
        return in_folder(Path(folder))


def _data_record(path: Path, _: bool) -> None:
    found = DataRecord.read(path.parent)
    assert found is not None
    found.changes(DataRecord.of([], 3))


def _options() -> dict[str, bytes]:
    return {"options.json": json.dumps(plain(Training()), indent=2).encode(), **_checkpoint()}


def _signs() -> dict[str, bytes]:
    further = [float("nan"), *(0.25,) * (len(fields(RoundSigns)) - 3)]
    with TemporaryDirectory() as folder:
        for number in range(2):
            write_signs(Path(folder), RoundSigns(number, number * 100, *further))
        return in_folder(Path(folder))


def _table() -> dict[str, bytes]:
    table = Table("a table", (Column("score", "F1", True),), (Row("odin", ((0.5, 0.25),)),), "a note")
    return {"table.json": table.to_json().encode()}


FORMATS = [
    Format("config.json", _run, _loaded, "config.json", is_text=True, ours=True),
    Format("model.safetensors", _run, _loaded, "model.safetensors", ours=True),
    Format("checkpoint", _checkpoint, lambda path, _: load_checkpoint(path.parent), "checkpoint.pt", ours=True),
    Format(
        "weights", lambda: {"w.pth": _saved({"state_dict": torch.nn.Linear(2, 2).state_dict()})},
        lambda path, _: load_weights(torch.nn.Linear(2, 2), str(path)), "w.pth", ours=True,
    ),
    Format("segments", _kept, _segments, "segments-00000.npz", ours=True),
    Format("data.json", _record, _data_record, "data.json", is_text=True, ours=True),
    Format(
        "options.json", _options, lambda path, _: RunFolder(path.parent, Training(), True).check(), "options.json",
        is_text=True, ours=True,
    ),
    Format(
        "list of outputs", lambda: {"a.txt": b"a", ".gestalt-output.json": b'{"complete": true, "files": ["a.txt"]}'},
        lambda path, _: OutputFolder(path.parent, ()).check(), ".gestalt-output.json", is_text=True, ours=True,
    ),
    Format("rounds.csv", _signs, lambda path, _: read_signs(path.parent), "rounds.csv", is_text=True, ours=True),
    Format(
        "metrics.csv", lambda: {"metrics.csv": b"step,loss,lr\n10,0.5,1e-3\n20,0.25,\n"},
        lambda path, _: (read_metrics(path), read_columns(path)), "metrics.csv", is_text=True, ours=True,
    ),
    Format("table.json", _table, lambda path, _: table_in(path), "table.json", is_text=True, ours=True),
]  # fmt: skip

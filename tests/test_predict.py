"""What a task head says of new data, in files."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.runs.predict import predict
from gestalt.core.runs.stream import Stream
from tests.implementations import ITEMS
from tests.test_saving import MODALITY, model


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with a task head for two classes."""
    gestalt.save(tmp_path / "run", model(target=True), "small")
    return tmp_path / "run"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three readable items and one that is none."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number, item in enumerate(ITEMS["points"](3)):
        (folder / f"{number}.txt").write_text("\n".join(" ".join(map(repr, row)) for row in item.tolist()))
    return folder


def test_predictions_are_those_of_the_model_item_by_item(run: Path, data: Path, tmp_path: Path) -> None:
    (data / "bad.txt").write_text("no numbers")
    assert predict(run, [data], tmp_path / "out", skip_bad=True, modality=MODALITY) == 0
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = gestalt.load(run, modality=MODALITY).predict(data, skip_bad=True)
    assert [row["item"] for row in rows] == [one.name for one in wanted] == [str(data / f"{n}.txt") for n in range(3)]
    for row, one in zip(rows, wanted, strict=True):
        assert row["best"] == one.answer
        assert float(row["left"]) == pytest.approx(one.scores["left"], rel=1e-5)
    lines = (tmp_path / "out" / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["scores"] for line in lines] == [one.scores for one in wanted]
    assert "bad.txt" in (tmp_path / "out" / "skipped.txt").read_text()


def test_what_cannot_be_predicted_is_said_and_nothing_is_written(run: Path, data: Path, tmp_path: Path) -> None:
    (data / "bad.txt").write_text("no numbers")
    with pytest.raises(gestalt.BadItemError, match=r"bad\.txt"):
        predict(run, [data], tmp_path / "out", modality=MODALITY)
    with pytest.raises(ValueError, match=r"none of .*1 .*bad\.txt"):
        predict(run, [data / "bad.txt"], tmp_path / "out", skip_bad=True, modality=MODALITY)
    gestalt.save(tmp_path / "headless", model(), "small")
    with pytest.raises(ValueError, match="this run has no task head"):
        predict(tmp_path / "headless", [data], tmp_path / "out", skip_bad=True, modality=MODALITY)
    assert not (tmp_path / "out").exists()


def test_items_are_read_when_their_predictions_are_written(
    run: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream.of(replace(gestalt.load(run, modality=MODALITY), batch=1), [data], False)
    read: list[int] = []
    plain = type(stream.items).read

    def reading(self: Any, index: int, rng: np.random.Generator) -> Any:
        read.append(index)
        return plain(self, index, rng)

    monkeypatch.setattr(type(stream.items), "read", reading)
    for number, one in enumerate(stream.predictions(), start=1):
        assert one.name == str(data / f"{number - 1}.txt")
        assert len(read) == number, "no item waits in memory"


def test_the_command_takes_the_same_options(
    run: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["predict", str(run), str(data), "--modality", "tests.test_saving:MODALITY", "--device", "cpu"]
    assert execute(command) == 0
    assert (tmp_path / "predicted" / "predictions.csv").is_file()
    assert torch.is_grad_enabled()

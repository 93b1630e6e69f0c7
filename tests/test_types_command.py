"""The command that finds types: what it refuses, what it leaves, and what it does not depend on."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gestalt
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import load, save
from gestalt.core.runs.stream import Stream
from gestalt.core.runs.types.clusterings import DensityTypes, KMeansTypes
from gestalt.core.runs.types.command import types
from gestalt.core.runs.types.exhibits import chosen_members
from gestalt.core.runs.types.finding import Typing, found_types
from gestalt.core.runs.types.table import extent
from tests.tiny_runs import tiny_model
from tests.typed_data import CASES, HOSTILE

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
TWO = Typing(number=2)


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run on texts, the fastest there are, and a file that is none."""
    monkeypatch.chdir(tmp_path)
    CASES["text"].run(tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_line_of_python_says_what_the_command_says(texts: Path) -> None:
    assert types(Path("run"), [Path("data")], Path("out"), TWO) == 0
    found = gestalt.load("run").types("data", TWO)
    with (texts / "out" / "types.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["type"]) - 1 for row in rows] == found.members.types.tolist()
    assert [float(row["distance"]) for row in rows] == pytest.approx(found.members.distances.tolist(), abs=1e-3)
    assert found.types.objects == tuple(found.members.types.bincount().tolist())
    with pytest.raises(ValueError, match="a loader gives its items once"):
        gestalt.load("run").types(iter([]), TWO)


def test_a_second_call_writes_the_same_and_a_failing_one_nothing(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    types(Path("run"), [Path("data")], Path("out"), TWO)
    before = files(texts / "out")
    types(Path("run"), [Path("data")], Path("out"), TWO)
    assert files(texts / "out") == before
    (texts / "data" / "bad.txt").write_bytes(b"\x00\xff\xfe" * 40)
    with pytest.raises(BadItemError, match=r"bad\.txt"):
        types(Path("run"), [Path("data")], Path("out"), TWO)
    assert files(texts / "out") == before
    assert types(Path("run"), [Path("data")], Path("out"), TWO, skip_bad=True) == 0
    assert "bad.txt" in (texts / "out" / "skipped.txt").read_text()
    assert "bad.txt" in (texts / "out" / "types.html").read_text(encoding="utf-8")

    def killed(*_: Any, **__: Any) -> str:
        raise KeyboardInterrupt

    left = files(texts / "out")
    monkeypatch.setattr("gestalt.core.runs.types.command.write_masks", killed)
    with pytest.raises(KeyboardInterrupt):
        types(Path("run"), [Path("data")], Path("out"), TWO, skip_bad=True)
    assert files(texts / "out") == left


def test_no_cell_of_the_tables_is_a_formula(texts: Path) -> None:
    types(Path("run"), [Path("data") / f"{HOSTILE}.txt"], Path("out"), TWO)
    for path in (texts / "out").rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@")], path


def test_what_cannot_be_done_is_said_and_nothing_is_written(texts: Path) -> None:
    run, data = Path("run"), [Path("data")]
    with pytest.raises(FileNotFoundError, match=r"run holds no types\.json"):
        types(run, data, Path("out"), like=run)
    types(run, data, Path("kept"), TWO)
    model = load("run")
    save("other", replace(model, network=type(model.network)(tiny_model(model.modality, width=16).encoder)), "conv")
    with pytest.raises(ValueError, match="found with another run"):
        types(Path("other"), data, Path("out"), like=Path("kept"))
    save("blind", replace(model, finder=None), "conv")
    with pytest.raises(ValueError, match="does not say how objects are found"):
        types(Path("blind"), data, Path("out"))
    with pytest.raises(ValueError, match=r"\d+ objects were found, and 500 or more are needed"):
        types(run, data, Path("out"), Typing(number=500))
    (texts / "names.csv").write_text("type,name\n9,owl\n", encoding="utf-8")
    with pytest.raises(ValueError, match="there is no type 9, there are 2"):
        types(run, data, Path("out"), like=Path("kept"), names=Path("names.csv"))
    assert not (texts / "out").exists()


def test_data_that_change_between_the_two_readings_are_refused(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, calls = Stream.__iter__, list[int]()

    def changed(self: Stream[Any]) -> Iterator[Any]:
        calls.append(1)
        for batch in plain(self):
            own = batch.segmentation
            gone = replace(own, weights=torch.where(torch.arange(own.objects)[:, None] == 0, 0.0, own.weights))
            yield batch if len(calls) == 1 else replace(batch, segmentation=gone)

    monkeypatch.setattr(Stream, "__iter__", changed)
    with pytest.raises(RuntimeError, match="has other objects than when it was read first"):
        types(Path("run"), [Path("data")], Path("out"), TWO)
    assert not (texts / "out").exists()


def test_a_data_set_in_which_nothing_lies_dense_has_objects_of_no_type(texts: Path, capsys: Any) -> None:
    assert types(Path("run"), [Path("data")], Path("out"), Typing(DensityTypes(least=5, neighbours=5))) == 0
    said = capsys.readouterr().out
    with (texts / "out" / "types.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    none = [row for row in rows if row["type"] == "none"]
    assert f"{len(none)} of none" in said or not none
    assert all(row["distance"] == "" for row in none)


def test_a_modality_without_writers_has_json_and_its_own_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUG_INS))
    modality: AbstractModality[Any] = load_modality("motion:MODALITY")
    (tmp_path / "data").mkdir()
    for number, specimen in enumerate([*modality.specimens()] * 2):
        np.save(tmp_path / "data" / f"{number}.npy", specimen.item)
    save("run", tiny_model(modality), "conv", "motion:MODALITY")
    assert types(Path("run"), [Path("data")], Path("out"), TWO, modality=modality) == 0
    assert (tmp_path / "out" / "masks" / "objects.jsonl").is_file()
    assert "<svg" in (tmp_path / "out" / "types.html").read_text(encoding="utf-8")


def test_all_objects_get_a_type_though_few_take_part() -> None:
    modality = load_modality("image")
    network = gestalt.Network(modality.encoders["raw"]())
    model: Model[Any] = Model(modality, network, {}, gestalt.ObjectFinder(gestalt.KMeans(3), space="hidden"))
    pictures = [specimen.item for specimen in modality.specimens()]
    batches = lambda: model.found(pictures)  # noqa: E731
    whole = found_types(batches, modality, network, Typing(KMeansTypes(2), sample=4))
    assert len(whole.members) == len(found_types(batches, modality, network, TWO).members)
    assert int(whole.members.types.min()) >= 0
    assert sum(whole.types.objects) == len(whole.members)


def test_an_object_reaches_from_its_first_element_to_its_last() -> None:
    columns: dict[str, Any] = {
        "part": np.array(["audio", "text", "text"]),
        "begin": np.array([4.0, 0.0, 2.0]),
        "end": np.array([6.0, 2.0, 4.0]),
        "centre_0": np.array([np.nan, 1.0, 3.0]),
    }
    found = extent(columns, np.array([True, False, True]))
    assert found == {"part": "audio+text", "begin": 2.0, "end": 6.0, "centre_0_from": 3.0, "centre_0_to": 3.0}


@pytest.mark.parametrize("count", [0, 1, 4, 5, 7, 8, 9, 30])
def test_shown_members_are_no_more_than_there_are_and_none_twice(count: int) -> None:
    groups = chosen_members(list(range(count)))
    flat = [one for group in groups for one in group]
    assert len(flat) == len(set(flat)) == min(count, len(flat))
    assert flat == sorted(flat)
    assert set(flat) <= set(range(count))
    assert count < 1 or flat[0] == 0
    assert count < 5 or flat[-1] == count - 1

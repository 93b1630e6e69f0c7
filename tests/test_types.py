"""Types of objects: one command and one line, in every modality."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.components.registry import MODALITIES
from gestalt.core.runs.types.object_types import ObjectTypes
from gestalt.core.training.label_source import labels_at
from tests.typed_data import CASES

every_case = pytest.mark.parametrize("name", CASES)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def call(*words: object) -> int:
    return execute(["types", *map(str, words)])


def test_every_modality_that_ships_has_a_case() -> None:
    assert set(MODALITIES.names()) <= CASES.keys()


@every_case
def test_every_object_has_a_type_a_place_and_a_page_and_names_become_labels(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    run, data, out = case.run(tmp_path), tmp_path / "data", tmp_path / "out"
    assert call(run, data, "--out", out, "--number", 2) == 0
    assert "2 types of" in capsys.readouterr().out
    rows = rows_of(out / "types.csv")
    found = gestalt.load(run).embed(data) if name != "video" else None
    assert [int(row["object"]) for row in rows] == list(range(1, len(rows) + 1))
    if found is not None:
        assert len(rows) == sum(len(one.objects) for one in found)
    counts = [sum(row["type"] == kind for row in rows) for kind in ("1", "2")]
    assert counts[0] >= counts[1] > 0, "the commonest type is the first"
    assert sum(counts) == len(rows)
    assert [one["objects"] for one in json.loads((out / "types.json").read_text())["types"]] == counts
    page = (out / "types.html").read_text(encoding="utf-8")
    assert case.shown in page
    assert "<img src=x" not in page
    assert page.count('class="wrong"') >= 2

    types = ObjectTypes.load(out)
    first = next(row for row in rows if row["type"] == "1")
    names = tmp_path / "names.csv"
    with names.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["types", "type", "name", "file", "record", "object"])
        table.writerow([types.digest, 1, "a long name", "", "", ""])
        table.writerow([types.digest, 1, "", first["file"], first["record"], first["number"]])
    again = tmp_path / "labelled"
    assert call(run, data, "--like", out, "--names", names, "--out", again) == 0
    assert "fits no object" not in capsys.readouterr().out
    labelled = rows_of(again / "types.csv")
    assert [row["type"] for row in labelled] == [row["type"] for row in rows], "the same types"
    assert {row["name"] for row in labelled if row["type"] == "2"} <= {""}
    assert sum(row["name"] == "a long name" for row in labelled) == counts[0] - 1, "but for the wrong member"

    modality = case.modality()
    items = modality.read([data]).items
    labels = labels_at(again / "labels.csv", items)
    assert labels.target.columns == ("a long name",)
    for written in (*case.masks, ""):  # or the folder of all of them
        masks = modality.read_masks(again / "masks" / written, items)  # type: ignore[attr-defined]
        called = set()
        for index in range(len(items)):
            own = masks.of_item(index, items.read(index, np.random.default_rng(0)))
            called |= set() if own is None else {own.name(number) for number in own.objects()}
        assert called == {"a_long_name" if written.endswith(".bio") else "a long name"}


def test_names_of_types_are_what_a_model_is_fitted_to_and_answers(tmp_path: Path) -> None:
    run, data = CASES["audio"].run(tmp_path), tmp_path / "data"
    assert call(run, data, "--out", tmp_path / "types", "--number", 2) == 0
    (tmp_path / "names.csv").write_text("type,name\n1,beep\n2,hiss\n", encoding="utf-8")
    named = ["--like", tmp_path / "types", "--names", tmp_path / "names.csv", "--out", tmp_path / "named"]
    assert call(run, data, *named) == 0
    events = tmp_path / "named" / "masks" / "events.csv"
    fitted = [
        "fit",
        run,
        data,
        "--masks",
        events,
        "--of",
        "objects",
        "--rest",
        "unlabelled",
        "--out",
        tmp_path / "model",
    ]
    assert execute([*map(str, fitted), "--folds", "2"]) == 0
    assert execute(["predict", *map(str, (tmp_path / "model", data, "--out", tmp_path / "answers"))]) == 0
    called = {row["event_label"] for row in rows_of(tmp_path / "answers" / "events.csv")}
    assert called <= {"beep", "hiss", "unknown"}
    assert called & {"beep", "hiss"}

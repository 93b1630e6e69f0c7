"""`gestalt fit`, `predict` and `evaluate` on pictures: what is said before, what is written, what is refused."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.fitting.fitters import Linear, Nearest
from gestalt.core.fitting.options import Fitting
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.evaluation_options import Evaluating
from gestalt.core.runs.fit import fit
from tests.tiny_runs import tiny_run

ONE = Linear((1.0,))
FEW = Evaluating(resamples=20)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of a square in red or blue by six painters, with labels of ten, masks, and an untrained run."""
    there, rng = tmp_path_factory.mktemp("fits"), np.random.default_rng(0)
    for name in ("data", "masks", "strange"):
        (there / name).mkdir()
    rows = ["file,label,size,several,painter"]
    for number in range(12):
        colour, size = number % 2, 10 + number
        pixels = rng.integers(0, 60, (32, 32, 3)).astype(np.uint8)
        pixels[4 : 4 + size, 4 : 4 + size, 2 * colour] = 220
        Image.fromarray(pixels).save(there / "data" / f"{number:02d}.png")
        mask = np.zeros((32, 32), np.uint8)
        mask[4 : 4 + size, 4 : 4 + size] = colour + 1
        Image.fromarray(mask).save(there / "masks" / f"{number:02d}.png")
        name = ("red", "blue")[colour]
        several = f"{name};large" if size > 15 else name
        rows += [f"{number:02d}.png,{name},{size},{several},{number // 2}"] if number < 10 else []
    Image.fromarray(np.full((32, 32, 3), 250, np.uint8)).save(there / "strange" / "white.png")
    (there / "labels.csv").write_text("\n".join([*rows, "elsewhere.png,red,1,red,1"]))
    tiny_run(there / "run", load_modality("image"), width=16)
    return there


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_labels_become_a_model_its_answers_a_table_and_these_are_scored(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = ["--labels", str(data / "labels.csv")]
    command = ["fit", str(data / "run"), str(data / "data"), *labels, "--head", "knn", "--head.neighbours", "3"]
    assert execute([*command, "--group-column", "painter", "--folds", "5", "--balance", "none"]) == 0
    said = capsys.readouterr()
    before = said.err.split("labelled: ")[1]
    assert before.startswith("10 items; 2 classes: red 5, blue 5")
    assert "not in this run: 1 of 11 rows, such as 'elsewhere.png'" in before
    assert "held out: 5 folds of 5 groups, each held out once" in before
    assert "to do: the 3 nearest labelled vectors; encoder as it is" in before
    assert "held-out rows: 10: accuracy" in said.out
    assert sorted(path.name for path in Path("model").iterdir() if path.name[0] != ".") == [
        "config.json",
        "fit.json",
        "model.safetensors",
        "seen.json",
    ]
    assert json.loads(Path("model/fit.json").read_text())["before"]["held out"].startswith("5 folds")
    assert execute(["predict", "model", str(data / "data"), str(data / "strange")]) == 0
    rows = table(Path("predicted/predictions.csv"))
    assert [row["best"] for row in rows[:12]] == ["red", "blue"] * 6
    assert rows[12]["best"] == "unknown", "a white picture is like none of them"
    assert float(rows[12]["distance"]) > max(float(row["distance"]) for row in rows[:12])
    lines = [json.loads(line) for line in Path("predicted/predictions.jsonl").read_text().splitlines()]
    assert [line["answer"] for line in lines] == [row["best"] for row in rows]
    capsys.readouterr()
    assert execute(["evaluate", "model", str(data / "data"), *labels, "--resamples", "20"]) == 0
    found = json.loads(Path("evaluated/scores.json").read_text())["results"]
    assert [one["protocol"] for one in found] == ["answers", "answers with unknown"]
    assert found[0]["scores"]["accuracy"]["value"] == 1.0
    assert found[0]["classes"]["reliability"] is not None
    assert found[1]["classes"]["names"] == ["blue", "red", "unknown"]
    assert "answers: accuracy 1.000" in capsys.readouterr().out
    assert "by class" in Path("evaluated/evaluation.html").read_text()


def test_several_labels_and_values_come_from_columns(data: Path) -> None:
    model = gestalt.load(data / "run")
    several = Fitting(label_column="several", label_kind="several", folds=2)
    tagged = model.fit(data / "data", data / "labels.csv", head=Nearest(1), options=several)
    said = [set((one.answer or "").split(";")) for one in tagged.predict(data / "data")[:10]]
    assert said == [set(row["several"].split(";")) for row in table(data / "labels.csv")[:10]]
    scores = tagged.evaluate(data / "data", data / "labels.csv", options=replace(FEW, label_column="several"))
    assert scores.score("answers", "map") == 1.0
    sized = model.fit(data / "data", data / "labels.csv", options=Fitting(label_column="size", label_kind="value"))
    values = sized.evaluate(data / "data", data / "labels.csv", options=replace(FEW, label_column="size"))
    assert values.score("answers", "rmse") < 2.0
    with pytest.raises(ValueError, match="is no finite number"):
        sized.evaluate(data / "data", data / "labels.csv", options=replace(FEW, label_column="label"))


def test_elements_are_scored_by_overlap_and_objects_by_matching(data: Path) -> None:
    model = gestalt.load(data / "run")
    few = Fitting(folds=2, elements=600)
    elements = model.fit(data / "data", masks=data / "masks", head=Nearest(3), options=few)
    found = elements.evaluate(data / "data", masks=data / "masks", options=FEW)
    assert found.score("overlap", "miou") > 0.8
    assert found.results[0].rows == 12 * 64
    assert found.results[0].groups == 12
    objects = model.fit(data / "data", masks=data / "masks", head=Nearest(1), options=replace(few, of="objects"))
    matched = objects.evaluate(data / "data", masks=data / "masks", options=FEW)
    f1 = matched.score("objects", "f1")
    assert 0 < f1 <= 1
    assert matched.results[-1].groups == 12


def test_encoder_and_head_are_trained_together_and_the_run_stays_as_it_is(data: Path, tmp_path: Path) -> None:
    before = gestalt.load(data / "run")
    options = Fitting(folds=3, tune=10, tune_lr=3e-3, tune_batch=4)
    hesitant = Linear((1000.0,))  # so that there is something to learn
    after = before.fit(data / "data", data / "labels.csv", head=hesitant, options=options)
    states = zip(before.encoder.state_dict().items(), after.encoder.state_dict().values(), strict=True)
    changed = [name for (name, one), other in states if not torch.equal(one, other)]
    assert any("weight" in name for name in changed)
    assert not any("running" in name for name in changed), "statistics are those of pre-training"
    again = gestalt.load(data / "run")
    assert all(map(torch.equal, before.encoder.state_dict().values(), again.encoder.state_dict().values()))
    gestalt.save(tmp_path / "model", after, "conv")
    assert gestalt.load(tmp_path / "model").predict(data / "data") == after.predict(data / "data"), "law 13"
    with pytest.raises(ValueError, match="cannot be trained with the encoder: take --head linear"):
        before.fit(data / "data", data / "labels.csv", head=Nearest(), options=options)
    plain = gestalt.Model(before.modality, gestalt.Network(before.modality.encoders["raw"]()), {})
    with pytest.raises(ValueError, match="this encoder has no weights to train: leave out --tune"):
        plain.fit(data / "data", data / "labels.csv", head=ONE, options=options)


def test_mistakes_are_named(data: Path) -> None:
    model, pictures, labels = gestalt.load(data / "run"), data / "data", data / "labels.csv"

    def refusal(**changes: Any) -> str:
        with pytest.raises(ValueError, match=r"\S") as refused:
            model.fit(pictures, **{"labels": labels, "head": ONE, **changes})
        return str(refused.value)

    assert "give --labels (a table, or folders), --label-column or --masks" in refusal(labels=None)
    assert "name --labels or --masks, not both" in refusal(masks=data / "masks")
    assert "labels of 3 items were given, and there are 12" in refusal(labels=gestalt.Labels.of(["a", "b", "a"]))
    one = gestalt.Labels.of(["a"] * 5 + [None] * 7)
    assert "all 5 labelled rows are of one class, 'a'" in refusal(labels=one)
    assert "are values; leave the option out" in refusal(
        options=Fitting(label_column="size", label_kind="value", balance="weights")
    )
    assert "does not say how objects are found" in str(refusal_of(replace(model, finder=None), pictures, labels))
    with pytest.raises(ValueError, match="a loader gives its items once"):
        model.fit(iter([]), one)
    with pytest.raises(ValueError, match="nothing that was fitted to labels"):
        next(model.answered(pictures))
    fitted = model.fit(pictures, labels, head=ONE)
    with pytest.raises(ValueError, match="no named objects"):
        next(fitted.answered(pictures))
    other = gestalt.Labels.of(["green", "yellow"] * 6)
    with pytest.raises(ValueError, match=r"the model answers blue, red; no name is the same"):
        fitted.evaluate(pictures, other)


def refusal_of(model: gestalt.Model[Any], pictures: Path, labels: Path) -> ValueError:
    with pytest.raises(ValueError, match=r"\S") as refused:
        model.fit(pictures, labels, options=Fitting(of="objects"))
    return refused.value


def test_bad_items_are_errors_or_left_out_and_a_damaged_model_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for path in (data / "data").iterdir():
        (tmp_path / "data" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "data" / "03.png").write_bytes(b"no picture")
    call = (data / "run", [tmp_path / "data"], tmp_path / "model", data / "labels.csv", None, ONE, Fitting(folds=2))
    with pytest.raises(BadItemError, match=r"03\.png"):
        fit(*call)
    assert not (tmp_path / "model").exists()
    assert fit(*call, skip_bad=True) == 0
    assert (tmp_path / "model" / "skipped.txt").read_text().count("03.png") == 1
    assert json.loads((tmp_path / "model" / "fit.json").read_text())["before"]["labelled"].startswith("9 items")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config["heads"]["answers"]["target"]["names"] = ["red"]
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    assert gestalt.load(tmp_path / "model").fitted is not None
    config["heads"]["answers"]["of"] = {"type": "part:of-nothing"}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"config\.json"):
        gestalt.load(tmp_path / "model")

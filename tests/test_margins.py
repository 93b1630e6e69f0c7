"""Predicted values come with margins that hold for a share of what is new."""

import json
import math
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.fitting.fitters import Linear
from gestalt.core.fitting.margins import margins_of
from gestalt.core.fitting.options import Fitting
from gestalt.core.methods.targets import Values
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.evaluation_options import Evaluating
from tests.tiny_runs import tiny_run

Errors = arrays(np.float64, (12, 2), elements=st.floats(0, 9, width=16) | st.just(np.nan))
Distances = arrays(np.float64, (12,), elements=st.floats(0, 2, width=16))


@given(Errors, Distances, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_margins_are_the_smallest_that_hold_for_the_share(
    errors: np.ndarray, distance: np.ndarray, share: float
) -> None:
    found, usual = margins_of(torch.from_numpy(errors), torch.from_numpy(distance), share)
    middle = sorted(distance)[5]  # torch's median is the lower one
    assert usual == pytest.approx(middle if middle > 1e-12 else 1.0)
    for value, margin in zip(errors.T, found.tolist(), strict=True):
        pairs = [(e, d) for e, d in zip(value, distance, strict=True) if not math.isnan(e)]
        weighed = sorted(e / max(1, d / usual) ** 0.5 for e, d in pairs)
        place = next((k for k in range(1, len(weighed) + 1) if k >= (len(weighed) + 1) * share - 1e-9), None)
        assert margin == (math.inf if place is None else pytest.approx(weighed[place - 1], rel=1e-6))


@pytest.mark.parametrize("share", [0.8, 0.95])
def test_new_rows_of_the_same_kind_lie_within_as_often_as_said(share: float) -> None:
    """Errors that grow with the distance; the mean share over many draws is at least the one asked for, by a little."""
    rng = np.random.default_rng(0)
    inside = list[float]()
    for _ in range(400):
        distance = rng.exponential(1, 80)
        errors = np.abs(rng.standard_normal(80)) * (0.2 + distance)
        q, usual = margins_of(torch.from_numpy(errors[:40, None]), torch.from_numpy(distance[:40]), share)
        margins = float(q) * np.maximum(1, distance[40:] / usual) ** 0.5
        inside.append(float((errors[40:] <= margins).mean()))
    spread = np.std(inside) / len(inside) ** 0.5
    assert share - 3 * spread <= np.mean(inside) <= share + 0.03 + 3 * spread


def test_errors_are_in_the_unit_of_the_values_and_unknown_where_these_are() -> None:
    target = Values(("a", "b"), mean=(1.0, 0.0), scale=(10.0, 2.0))
    found = target.errors(torch.tensor([[0.5, 1.0]]), torch.tensor([[4.0, torch.nan]]))
    assert found[0, 0] == pytest.approx(abs(4.0 - 6.0))
    assert found[0, 1].isnan()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty squares of different sizes, and one picture that is like none of them."""
    there, rng = tmp_path_factory.mktemp("margins"), np.random.default_rng(0)
    for name in ("data", "new"):
        (there / name).mkdir()
    rows = ["file,size"]
    for number in range(40):
        size = 4 + number % 20
        pixels = rng.integers(0, 60, (32, 32, 3)).astype(np.uint8)
        pixels[4 : 4 + size, 4 : 4 + size] = 220
        Image.fromarray(pixels).save(there / "data" / f"{number:02d}.png")
        rows.append(f"{number:02d}.png,{size}")
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(there / "new" / "noise.png")
    Image.open(there / "data" / "07.png").save(there / "new" / "known.png")
    (there / "labels.csv").write_text("\n".join(rows))
    tiny_run(there / "run", load_modality("image"), width=16)
    return there


def test_predict_writes_them_and_evaluate_says_how_often_they_hold(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = ["--labels", str(data / "labels.csv"), "--label-column", "size"]
    asked = [*labels, "--label-kind", "value", "--sure", "0.8", "--out", "model"]
    assert execute(["fit", str(data / "run"), str(data / "data"), *asked]) == 0
    assert "margins of held-out values: value ± " in capsys.readouterr().out
    assert execute(["predict", "model", str(data / "new"), "--out", "said"]) == 0
    table = pandas.read_csv("said/predictions.csv").set_index("item")
    assert list(table.columns) == ["best", "value", "value_margin", "distance"]
    strange, known = (table.loc[str(data / "new" / name)] for name in ("noise.png", "known.png"))
    assert strange["distance"] > known["distance"]
    assert strange["best"] == "unknown"
    assert pandas.isna(known["best"])
    assert strange["value_margin"] > known["value_margin"] > 0, "what is far from all labelled is less sure"
    lines = [json.loads(line) for line in Path("said/predictions.jsonl").read_text().splitlines()]
    by_name = {line["item"]: line["margins"]["value"] for line in lines}
    assert by_name[str(data / "new" / "noise.png")] == pytest.approx(strange["value_margin"], rel=1e-5)

    model = gestalt.load("model")
    found = model.evaluate(data / "data", data / "labels.csv", options=Evaluating(resamples=20, label_column="size"))
    said = model.predict(data / "data")
    truth = [float(row.split(",")[1]) for row in (data / "labels.csv").read_text().split("\n")[1:]]
    margins = [one.margins["value"] for one in said if one.margins is not None]
    inside = [abs(one.scores["value"] - y) <= m for one, y, m in zip(said, truth, margins, strict=True)]
    assert found.score("margins", "coverage") == pytest.approx(np.mean(inside))
    assert found.score("margins", "margin") == pytest.approx(np.mean(margins), rel=1e-5)
    assert 0.8 <= np.mean(inside) <= 1


def test_they_are_saved_with_the_model_and_missing_where_little_was_held_out(data: Path, tmp_path: Path) -> None:
    run, head = gestalt.load(data / "run"), Linear((1.0,))
    options = Fitting(label_column="size", label_kind="value")
    model = run.fit(data / "data", data / "labels.csv", head=head, options=options)
    gestalt.save(tmp_path / "model", model, "conv")
    assert gestalt.load(tmp_path / "model").predict(data / "new") == model.predict(data / "new"), "law 13"
    few = gestalt.Labels.of_values([float(number) for number in range(6)] + [None] * 34)
    unsure = run.fit(data / "data", few, head=head, options=Fitting(label_kind="value"))
    assert [one.margins for one in unsure.predict(data / "new")] == [None, None], "six rows say nothing of nine in ten"
    classes = run.fit(data / "data", gestalt.Labels.of(["a", "b"] * 20), head=head)
    assert classes.predict(data / "new")[0].margins is None

"""`gestalt fit --unlabelled`: a run is trained further on few labelled and many other items, and is a model then."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.fitting.fitters import Linear
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs import pseudo_labels
from gestalt.core.training import loop
from gestalt.core.training.checkpoint import save_checkpoint
from tests.tiny_runs import tiny_run

SMALL = gestalt.PseudoLabelling(steps=4, batch=8, hidden=16, projection=8, queue=2, checkpoint_every=1)
SETTINGS = {"steps": 4, "batch": 8, "hidden": 16, "projection": 8, "queue": 2, "checkpoint-every": 1}
FLAGS = [part for name, value in SETTINGS.items() for part in (f"--pseudo.{name}", str(value))]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red and blue pictures, four of them named, and an untrained run."""
    there, rng, rows = tmp_path_factory.mktemp("unlabelled"), np.random.default_rng(0), ["file,label"]
    for folder, count in (("few", 4), ("more", 10)):
        (there / folder).mkdir()
        for number in range(count):
            pixels = rng.integers(0, 60, (16, 16, 3)).astype(np.uint8)
            pixels[2:12, 2:12, 2 * (number % 2)] = 220
            Image.fromarray(pixels).save(there / folder / f"{folder}{number}.png")
            rows += [f"{folder}{number}.png,{('red', 'blue')[number % 2]}"] if folder == "few" else []
    (there / "labels.csv").write_text("\n".join(rows))
    tiny_run(there / "run", load_modality("image"), width=8)
    return there


def command(data: Path, *more: str) -> list[str]:
    names = ["fit", str(data / "run"), str(data / "few"), "--labels", str(data / "labels.csv")]
    return [*names, "--unlabelled", str(data / "more"), *FLAGS, "--folds", "2", *more]


def weights(model: Any) -> torch.Tensor:
    return torch.cat([tensor.double().flatten() for tensor in model.encoder.state_dict().values()])


def test_a_killed_fit_goes_on_and_ends_as_one_that_was_not(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(command(data, "--out", "whole")) == 0
    said = capsys.readouterr()
    assert (
        "unlabelled: 10 items, each taken for what the nearest labelled one of a queue of 2 batches is, of 2 "
        in said.err
    )
    assert "note: the encoder has seen the labels of held-out rows" in said.out
    assert not (Path("whole") / pseudo_labels.FOLDER).exists()
    done = json.loads(Path("whole/fit.json").read_text())
    assert done["before"]["labelled"].startswith("4 items")
    assert done["before"]["unlabelled"].startswith("10 items")

    saved, kept = list[int](), save_checkpoint

    def killed(*arguments: Any) -> None:
        kept(*arguments)
        saved.append(1)
        if len(saved) == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(loop, "save_checkpoint", killed)
    with pytest.raises(RuntimeError, match="killed"):
        execute(command(data, "--out", "again"))
    assert [path.name for path in Path("again").iterdir() if path.name == "config.json"] == []
    saved.clear()

    def counted(*arguments: Any) -> None:
        saved.append(1)
        kept(*arguments)

    monkeypatch.setattr(loop, "save_checkpoint", counted)
    with pytest.raises(ValueError, match="was begun with other options"):
        run_of(data, tmp_path / "again" / pseudo_labels.FOLDER, seed=1)
    assert execute(command(data, "--out", "again")) == 0
    assert len(saved) == 2, "the two steps that were left"
    whole, again = gestalt.load("whole"), gestalt.load("again")
    assert torch.equal(weights(whole), weights(again))
    assert not torch.equal(weights(whole), weights(gestalt.load(data / "run"))), "it was trained"
    assert whole.predict(data / "more") == again.predict(data / "more")
    task = {name: head for name, head in whole.heads.items() if name == "task"}
    assert task, "the task network is kept beside the fitted head"
    assert whole.target is not None
    assert whole.target.columns == ("blue", "red")
    assert execute(["predict", "whole", str(data / "more")]) == 0
    assert Path("predicted/predictions.csv").read_text().count(".png") == 10


def run_of(data: Path, folder: Path, seed: int = 0) -> Any:
    model = gestalt.load(data / "run")
    items, more = (model.modality.read([data / name]).items for name in ("few", "more"))
    labels = gestalt.Labels.of(["red", "blue"] * 2)
    return pseudo_labels.trained_on_both(model.network, model.modality, items, labels, more, SMALL, folder, seed)


def test_in_python_the_run_stays_as_it_is_and_a_saved_model_says_the_same(data: Path, tmp_path: Path) -> None:
    run = gestalt.load(data / "run")
    before = weights(run)
    options = gestalt.Fitting(folds=2)
    model = run.fit(
        data / "few", data / "labels.csv", head=Linear((1.0,)), options=options, unlabelled=data / "more", pseudo=SMALL
    )
    assert torch.equal(weights(run), before)
    gestalt.save(tmp_path, model, "conv")
    assert gestalt.load(tmp_path).predict(data / "more") == model.predict(data / "more"), "law 13"


def test_what_cannot_be_learned_so_is_refused(data: Path, tmp_path: Path) -> None:
    run, few, more = gestalt.load(data / "run"), data / "few", data / "more"
    values = gestalt.Labels.of_values([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ValueError, match="are given classes of items, and these are values of items: leave out"):
        run.fit(few, values, unlabelled=more, pseudo=SMALL)
    elements = gestalt.Labels.of_elements([["a", "b"]] * 4)
    with pytest.raises(ValueError, match="and these are classes of elements"):
        run.fit(few, elements, unlabelled=more, pseudo=SMALL)
    plain = gestalt.Model(run.modality, gestalt.Network(run.modality.encoders["raw"]()), {})
    with pytest.raises(ValueError, match="no weights to train: leave out --unlabelled"):
        plain.fit(few, gestalt.Labels.of(["a", "b"] * 2), unlabelled=more, pseudo=SMALL)
    with pytest.raises(ValueError, match="masks are of elements"):
        run.fit(few, masks=tmp_path, unlabelled=more, pseudo=SMALL)
